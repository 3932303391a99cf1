import {
  createdSyncToken,
  type NewSyncToken,
  newSyncToken,
  revokedSyncToken,
  type SyncInfo,
  type SyncTokenView,
  syncInfo,
  syncTokensAnswer,
} from '@bzzz/protocols'
import websocket from '@fastify/websocket'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Admitted, MAX_SYNC_FRAME_BYTES } from '../../sync/gateway.ts'
import type { SyncToken } from '../../sync/tokens.ts'
import { bearerToken } from '../admission.ts'
import type { Door } from '../door.ts'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { isoTime, isoTimeOrNull } from '../views/names.ts'
import type { Routes } from './routes.ts'

/** Stock clients cannot set headers: the token may stand in the URL, and the URL is written nowhere. */
const query = z.looseObject({ token: z.string().max(256).optional() })

export function addSyncRoutes(door: Door, routes: Routes): void {
  addTokenRoutes(door, routes)
  void door.register(websocket, {
    options: { maxPayload: MAX_SYNC_FRAME_BYTES, perMessageDeflate: false },
    // The gateway hears of it from the socket itself.
    errorHandler: () => {},
    preClose(done) {
      this.websocketServer.close()
      done()
    },
  })
  void door.register(async (scope) => addSockets(scope as unknown as Door, routes))
}

function addSockets(door: Door, { ports }: Routes): void {
  const config = { access: 'sync' } as const
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) =>
    void holderOf(ports.sync.admit(tokenOf(request)), reply)
  // A browser asks first whether a page may send the token along.
  door.options('/sync/info', { config }, async (_, reply) =>
    reply
      .code(204)
      .headers({ 'access-control-allow-headers': 'authorization', 'access-control-max-age': '600' })
      .send(),
  )
  door.get('/sync/info', { config, schema: { response: { 200: syncInfo } } }, async (request, reply) =>
    infoView(ports, holderOf(ports.sync.identify(tokenOf(request)), reply)),
  )
  door.route({
    method: 'GET',
    url: '/sync',
    config,
    onRequest,
    handler: async () => {
      throw new ProblemError('REQUEST_INVALID', 'Open /sync as a websocket, with a client of automerge-repo.')
    },
    wsHandler: (socket, request) => {
      const token = ports.sync.admit(tokenOf(request))
      if (token.status !== 'admitted') return socket.close(1013, 'try again in a moment')
      const events = ports.sync.open(socket, token.token)
      socket.on('message', (data, isBinary) => {
        // Whole messages come as one buffer unless a socket is told otherwise.
        if (isBinary) events.frame(data as Buffer)
        else events.text()
      })
      socket.on('pong', () => events.pong())
      socket.on('error', (error) => {
        if (isProtocolError(error)) events.broken(error.message)
      })
      socket.on('close', () => events.closed())
    },
  })
}

/** Of the websocket protocol, such as a frame above the bound; others are of the network. */
function isProtocolError(error: Error & { readonly code?: unknown }): boolean {
  return String(error.code).startsWith('WS_ERR_')
}

/** @throws {ProblemError} TOKEN_REQUIRED, TOO_MANY_FAULTS or SOCKETS_EXHAUSTED */
function holderOf(outcome: Admitted, reply: FastifyReply): SyncToken {
  switch (outcome.status) {
    case 'admitted':
      return outcome.token
    case 'unknown':
      throw new ProblemError(
        'TOKEN_REQUIRED',
        'Give a token of "bzzz token create", as Authorization: Bearer or as ?token= in the URL. Revoked and expired ones are refused.',
      )
    case 'penalised': {
      const seconds = Math.ceil(outcome.ms / 1000)
      void reply.header('retry-after', String(seconds))
      throw new ProblemError(
        'TOO_MANY_FAULTS',
        `Connections with this token were at fault again and again: wait ${seconds} s.`,
      )
    }
    case 'full':
      throw new ProblemError('SOCKETS_EXHAUSTED', 'As many laptops are connected as can be: close one, then try again.')
  }
}

function tokenOf(request: FastifyRequest): string {
  return bearerToken(request.headers.authorization) ?? query.safeParse(request.query).data?.token ?? ''
}

function infoView({ node, sync }: DoorPorts, token: SyncToken): SyncInfo {
  const { created_at: _, id: __, ...view } = tokenView(token)
  return { peer: node.peer, node: node.label, key: sync.key, author: `human:${token.name}@${node.peer}`, ...view }
}

function addTokenRoutes(door: Door, { ports, now }: Routes): void {
  const config = { access: 'token' } as const
  const params = z.strictObject({ id: z.string().max(64) })
  door.get('/api/sync-tokens', { config, schema: { response: { 200: syncTokensAnswer } } }, async () => ({
    tokens: ports.sync.tokens.list().map(tokenView),
  }))
  door.post(
    '/api/sync-tokens',
    { config, schema: { body: newSyncToken, response: { 201: createdSyncToken } } },
    async ({ body, host }, reply) => {
      const created = await ports.sync.tokens.create(wantedOf(body, now()))
      if (created === undefined) throw new ProblemError('TOKENS_EXHAUSTED', 'Revoke tokens that nobody uses.')
      const { token, about } = created
      const sync_url = `ws://${host}/sync?token=${token}`
      return reply.code(201).send({ ...tokenView(about), token, sync_url })
    },
  )
  door.post(
    '/api/sync-tokens/:id/revoke',
    { config, schema: { params, response: { 200: revokedSyncToken } } },
    async ({ params: { id } }) => {
      if (!(await ports.sync.revoke(id))) {
        throw new ProblemError(
          'TOKEN_UNKNOWN',
          `No token has the id ${id}: "bzzz token list" shows those that there are.`,
        )
      }
      return { id, revoked: true as const }
    },
  )
}

function wantedOf({ name, read_only, expires_in_ms, projects, threads }: NewSyncToken, nowMs: number) {
  const expiresMs = expires_in_ms === null ? null : nowMs + expires_in_ms
  return { name, readOnly: read_only, projects, threads, expiresMs }
}

function tokenView({ id, name, readOnly, projects, threads, createdMs, expiresMs }: SyncToken): SyncTokenView {
  return {
    id,
    name,
    read_only: readOnly,
    projects: projects === null ? null : [...projects],
    threads: threads === null ? null : [...threads],
    created_at: isoTime(createdMs),
    expires_at: isoTimeOrNull(expiresMs),
  }
}
