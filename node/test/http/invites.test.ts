import { inviteMade, invitesAnswer, inviteView, problem } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/errors.ts'
import { InviteError } from '../../src/membership/invites.ts'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'
import { NOW, walnut } from './mesh-of-three.ts'

const post = (url: string, body: object, headers: object = withToken) => ({
  ...{ method: 'POST' as const, url, body, headers: { ...headers } },
})

describe('invitations', () => {
  it('are made with a token that is told once, listed without it, and revoked', async () => {
    const { agents } = doorsUnderTest()
    const order = { role: 'laptop', label: 'ana', expires_s: 3600 }
    const made = answerOf(await agents.inject(post('/api/invites', order)), 201, inviteMade)
    expect(made).toMatchObject({ role: 'laptop', label: 'ana', state: 'open', used_by: null })
    expect(Date.parse(made.expires_at)).toBe(NOW + 3_600_000)
    expect(made.token).toMatch(/^bzzz-invite-1\./)
    const listed = await agents.inject({ url: '/api/invites', headers: withToken })
    expect(answerOf(listed, 200, invitesAnswer)).toMatchObject({ invites: [{ id: made.id, state: 'open' }], total: 1 })
    expect(listed.body).not.toContain(made.token)
    const revoked = await agents.inject(post(`/api/invites/${made.id}/revoke`, {}))
    expect(answerOf(revoked, 200, inviteView).state).toBe('revoked')
  })

  it('are for nodes too', async () => {
    const { agents } = doorsUnderTest()
    const made = answerOf(await agents.inject(post('/api/invites', { role: 'node', label: 'acacia' })), 201, inviteMade)
    expect(made).toMatchObject({ role: 'node', label: 'acacia', state: 'open' })
  })

  it.each([
    [new ConfigError('OWNER_KEY_MISSING', 'this node does not hold the owner key'), 'OWNER_KEY_MISSING'],
    [new InviteError('LABEL_TAKEN', 'a member is called ana already'), 'INVITE_REFUSED'],
  ])('are refused with the words of whoever keeps them: %s', async (refusal, code) => {
    const { agents, world } = doorsUnderTest()
    world.invites.refusal = refusal
    const refused = answerOf(await agents.inject(post('/api/invites', { role: 'laptop' })), 409, problem)
    expect(refused).toMatchObject({ code, detail: expect.stringContaining(refusal.message) })
  })

  it('that were never made are unknown, and nothing is told without the token', async () => {
    const { agents } = doorsUnderTest()
    const unknown = await agents.inject(post(`/api/invites/${walnut}/revoke`, {}))
    expect(answerOf(unknown, 404, problem).code).toBe('INVITE_UNKNOWN')
    expect((await agents.inject('/api/invites')).statusCode).toBe(401)
    expect((await agents.inject(post('/api/invites', { role: 'laptop' }, {}))).statusCode).toBe(401)
  })

  it.each([{ role: 'queen' }, { role: 'laptop', expires_s: 1 }, { role: 'laptop', label: 'a b' }])(
    'refuses %j',
    async (body) => {
      const { agents } = doorsUnderTest()
      expect((await agents.inject(post('/api/invites', body))).statusCode).toBe(400)
    },
  )
})
