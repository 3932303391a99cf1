import { type InviteView, inviteMade, invitesAnswer, inviteView, newInvite, peerId } from '@bzzz/protocols'
import { z } from 'zod'
import type { InviteRecord } from '../../membership/invites.ts'
import type { Door } from '../door.ts'
import { ProblemError } from '../problems.ts'
import { isoTime } from '../views/names.ts'
import type { Routes } from './routes.ts'

const params = z.strictObject({ id: peerId })

export function addInviteRoutes(door: Door, { ports: { invites }, answers }: Routes): void {
  const config = { access: 'token' } as const
  const viewOf = (record: InviteRecord): InviteView => inviteViewOf(record, invites.stateOf(record))
  door.get('/api/invites', { config, schema: { response: { 200: invitesAnswer } } }, async () => {
    const views = invites.list().map(viewOf)
    return { invites: views, total: views.length }
  })
  door.post(
    '/api/invites',
    { config, schema: { body: newInvite, response: { 201: inviteMade } } },
    async (request, reply) => {
      const { role, label = null, expires_s } = request.body
      const { record, token } = await answers.once(request, () =>
        invites.create({ role, label, lifeMs: expires_s * 1000 }),
      )
      return reply.code(201).send({ ...viewOf(record), token })
    },
  )
  door.post(
    '/api/invites/:id/revoke',
    { config, schema: { params, response: { 200: inviteView } } },
    async ({ params: { id } }) => {
      const record = await invites.revoke(id)
      if (record === undefined) throw new ProblemError('INVITE_UNKNOWN', `This node made no invitation ${id}.`)
      return viewOf(record)
    },
  )
}

function inviteViewOf(record: InviteRecord, state: InviteView['state']): InviteView {
  const { id, role, label, createdMs, expiresMs, used } = record
  return {
    ...{ id, role, label, state },
    created_at: isoTime(createdMs),
    expires_at: isoTime(expiresMs),
    used_by: used === null ? null : { peer_id: used.peer, label: used.label, at: isoTime(used.atMs) },
  }
}
