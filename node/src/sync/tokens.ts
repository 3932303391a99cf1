import { createHash } from 'node:crypto'
import { type ThreadId, threadId } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { z } from 'zod'

/** What the holder of a token may do. The token itself is nowhere but with its holder. */
export interface SyncToken {
  /** 12 hexadecimal digits, for people and to revoke it. */
  readonly id: string
  /** Who speaks: entries have `human:<name>@<this node>` as their author. */
  readonly name: string
  readonly readOnly: boolean
  /** Null for both: every thread. */
  readonly projects: readonly string[] | null
  readonly threads: readonly ThreadId[] | null
  readonly createdMs: number
  readonly expiresMs: number | null
}

export interface SyncTokens {
  /** Synced when it resolves. @returns undefined when there are as many as can be. */
  create(wanted: Omit<SyncToken, 'id' | 'createdMs'>): Promise<{ token: string; about: SyncToken } | undefined>
  /** Newest first. */
  list(): readonly SyncToken[]
  /** Whether it is not revoked. */
  has(id: string): boolean
  /** Gone, synced, when it resolves. @returns false if there is none with that id */
  revoke(id: string): Promise<boolean>
  /** @returns undefined for what is none, revoked or expired */
  find(token: string): SyncToken | undefined
}

const MAX_TOKENS = 1_000
const TOKEN_BYTES = 32
const ID_BYTES = 6

const row = z.strictObject({
  id: z.string(),
  hash: z.string(),
  name: z.string(),
  readOnly: z.boolean(),
  projects: z.array(z.string()).nullable(),
  threads: z.array(threadId).nullable(),
  createdMs: z.number(),
  expiresMs: z.number().nullable(),
})

export interface SyncTokensOptions {
  /** Of the state; key `t/<id>`. */
  readonly room: Room
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
}

export async function openSyncTokens({ room, now, randomBytes }: SyncTokensOptions): Promise<SyncTokens> {
  const tokens = new Map<string, SyncToken>()
  for await (const [, value] of room.entries({ gt: 't/', lt: 't0' })) {
    const { hash, ...token } = row.parse(JSON.parse(Buffer.from(value).toString()))
    tokens.set(hash, token)
  }

  return {
    async create(wanted) {
      if (tokens.size >= MAX_TOKENS) return undefined
      const token = `bzl_${Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url')}`
      const id = Buffer.from(randomBytes(ID_BYTES)).toString('hex')
      const about = { ...wanted, id, createdMs: now() }
      const hash = hashOf(token)
      await room.write([{ put: `t/${id}`, value: Buffer.from(JSON.stringify({ ...about, hash })) }])
      tokens.set(hash, about)
      return { token, about }
    },
    list: () => [...tokens.values()].sort((a, b) => b.createdMs - a.createdMs),
    has: (id) => [...tokens.values()].some((token) => token.id === id),
    async revoke(id) {
      const found = [...tokens].find(([, token]) => token.id === id)
      if (found === undefined) return false
      // Nobody gets in from here on, whatever becomes of the write.
      tokens.delete(found[0])
      await room.write([{ del: `t/${id}` }])
      return true
    },
    find(text) {
      // By hash: how long the look-up takes says nothing of the tokens that there are.
      const token = tokens.get(hashOf(text))
      return token === undefined || isExpired(token, now()) ? undefined : token
    },
  }
}

export function isExpired({ expiresMs }: SyncToken, nowMs: number): boolean {
  return expiresMs !== null && nowMs >= expiresMs
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
