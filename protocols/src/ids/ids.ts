import { createHash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { z } from 'zod'

type Brand<T, Name extends string> = T & { readonly brand: Name }

/** A libp2p peer id in base58btc: the identity multihash of an Ed25519 public key, `12D3KooW…`. */
export type PeerId = Brand<string, 'PeerId'>
/** Hash of the mesh's first manifest, 64 hexadecimal digits. Members pin it when they join. */
export type MeshId = Brand<string, 'MeshId'>
/** UUID version 7 (RFC 9562 §5.7) in lower case. */
export type ThreadId = Brand<string, 'ThreadId'>
/** `name@peer`: an agent lives on one node, and only that node takes its turns. */
export type AgentId = Brand<string, 'AgentId'>
/** `d:2026-11-22`, `m:2026-11` (UTC), `t:<thread>`, or `a:<agent name>:2026-11-22`, which never leaves its node. */
export type Period = Brand<string, 'Period'>
/** SHA-256 of what identifies a turn, 64 hexadecimal digits. */
export type TurnId = Brand<string, 'TurnId'>
/** SHA-256 of (turn, step, attempt), 64 hexadecimal digits. One provider request at most belongs to it. */
export type CallId = Brand<string, 'CallId'>
/** 128 random bits made when a ledger is created, 32 hexadecimal digits. */
export type Incarnation = Brand<string, 'Incarnation'>

/** Who holds rights to spend: a peer, and the ledger it holds them in. */
export interface Account {
  readonly peer: PeerId
  readonly incarnation: Incarnation
}

/** One opening of a ledger: how often it was opened, and a number drawn at this time, which a copy draws anew. */
export interface Boot {
  readonly counter: number
  readonly nonce: Incarnation
}

// protobuf of libp2p's PublicKey {type: Ed25519, data: 32 bytes} behind an identity multihash (libp2p specs, peer-ids)
const ED25519_PEER_PREFIX = Uint8Array.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20])

export function peerIdFromPublicKey(publicKey: Uint8Array): PeerId {
  if (publicKey.length !== 32) throw new RangeError(`an Ed25519 public key has 32 bytes, not ${publicKey.length}`)
  return base58btc.baseEncode(Buffer.concat([ED25519_PEER_PREFIX, publicKey])) as PeerId
}

/** @returns the raw Ed25519 public key, 32 bytes. @throws {RangeError} if the id does not hold one */
export function publicKeyOfPeer(peer: PeerId): Uint8Array {
  const key = ed25519KeyIn(peer)
  if (key === undefined) throw new RangeError(`not an Ed25519 peer id: ${peer.slice(0, 80)}`)
  return key.slice()
}

// Every entry, frame and record names peers, few different ones, and base58 is slow: the last ones read are remembered.
const MAX_KEYS_REMEMBERED = 512
const keysRemembered = new Map<string, Uint8Array>()

/** @returns not to be altered: it is given to everybody who asks for the same peer */
function ed25519KeyIn(text: string): Uint8Array | undefined {
  const known = keysRemembered.get(text)
  if (known !== undefined) return known
  const key = decodedKeyIn(text)
  if (key === undefined) return undefined
  if (keysRemembered.size >= MAX_KEYS_REMEMBERED) keysRemembered.clear()
  keysRemembered.set(text, key)
  return key
}

function decodedKeyIn(text: string): Uint8Array | undefined {
  if (!/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(text)) return undefined
  const bytes = base58btc.baseDecode(text)
  if (bytes.length !== 38 || !ED25519_PEER_PREFIX.every((byte, i) => bytes[i] === byte)) return undefined
  return bytes.slice(ED25519_PEER_PREFIX.length)
}

export function isPeerId(text: string): text is PeerId {
  return ed25519KeyIn(text) !== undefined
}

export const peerId = z
  .string()
  .max(64)
  .refine(isPeerId, { message: 'not an Ed25519 peer id' })
  .transform((text) => text as PeerId)
export const meshId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as MeshId)
export const threadId = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, {
    message: 'not a thread id (UUIDv7)',
  })
  .transform((text) => text as ThreadId)
export const incarnation = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .transform((text) => text as Incarnation)
export const turnId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as TurnId)
export const callId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as CallId)
export const account = z.strictObject({ peer: peerId, incarnation })
export const boot = z.strictObject({
  counter: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  nonce: incarnation,
})

const AGENT_NAME = /^[a-z][a-z0-9_-]{0,63}$/
export const agentName = z.string().regex(AGENT_NAME, { message: 'lower case letters, digits, - and _, at most 64' })
export const roleName = agentName.describe('a role')
export const agentId = z
  .string()
  .refine((text) => parseAgentId(text) !== undefined, { message: 'not an agent id (name@peer)' })
  .transform((text) => text as AgentId)

export function agentIdOf(name: string, peer: PeerId): AgentId {
  return `${name}@${peer}` as AgentId
}

export function parseAgentId(text: string): { name: string; peer: PeerId } | undefined {
  const at = text.indexOf('@')
  const name = text.slice(0, at)
  const peer = text.slice(at + 1)
  if (at < 1 || !AGENT_NAME.test(name) || !isPeerId(peer)) return undefined
  return { name, peer }
}

export function meshIdBytes(mesh: MeshId): Uint8Array {
  return Buffer.from(mesh, 'hex')
}

export function threadIdBytes(thread: ThreadId): Uint8Array {
  return Buffer.from(thread.replaceAll('-', ''), 'hex')
}

/** @throws {z.ZodError} if the 16 bytes are not a UUIDv7 */
export function threadIdFromBytes(bytes: Uint8Array): ThreadId {
  return threadId.parse(uuidText(bytes))
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The document id under which automerge-repo knows a thread: base58check of its 16 bytes. `automerge:<id>` is its URL. */
export function documentIdOf(thread: ThreadId): string {
  const bytes = threadIdBytes(thread)
  return base58btc.baseEncode(Buffer.concat([bytes, checksumOf(bytes)]))
}

export function threadOfDocument(id: string): ThreadId | undefined {
  if (!/^[1-9A-HJ-NP-Za-km-z]{20,28}$/.test(id)) return undefined
  const bytes = base58btc.baseDecode(id)
  const [body, sum] = [bytes.subarray(0, 16), bytes.subarray(16)]
  if (bytes.length !== 20 || Buffer.compare(checksumOf(body), sum) !== 0) return undefined
  return threadId.safeParse(uuidText(body)).data
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  const once = createHash('sha256').update(bytes).digest()
  return createHash('sha256').update(once).digest().subarray(0, 4)
}

/** @param nowMs wall clock, milliseconds @param random 10 random bytes */
export function newThreadId(nowMs: number, random: Uint8Array): ThreadId {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes.set(random.subarray(0, 10), 6)
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  return threadIdFromBytes(bytes)
}

/**
 * The id of the thread that this peer opens at this time. It names its opener (74 bits of a hash), so nobody else's opening
 * entry, with other terms or another cap, can stand in it. Two threads of one peer need two milliseconds.
 */
export function openedThreadId(opener: PeerId, nowMs: number): ThreadId {
  return newThreadId(nowMs, Buffer.from(hashOf('bzzz/thread/1', [opener, String(nowMs)]), 'hex'))
}

export function isOpenerOf(thread: ThreadId, peer: PeerId): boolean {
  return openedThreadId(peer, threadIdMs(thread)) === thread
}

/** Entries of one thread end somewhere: its successors are numbered from 1 up to this. */
export const MAX_PART = 999

/**
 * The id of the document in which a thread goes on that has grown long: the same for everybody who knows the thread, so that
 * nodes which begin it apart from each other write in one. No peer is its opener.
 * @param part from 1 to MAX_PART
 */
export function successorId(thread: ThreadId, part: number): ThreadId {
  return newThreadId(threadIdMs(thread), Buffer.from(hashOf('bzzz/part/1', [thread, String(part)]), 'hex'))
}

/** When the thread was opened, by its opener's clock: milliseconds since the epoch. */
export function threadIdMs(thread: ThreadId): number {
  return Number.parseInt(thread.replace('-', '').slice(0, 12), 16)
}

export function turnIdOf(turn: { thread: ThreadId; phase: string; round: number; agent: AgentId }): TurnId {
  return hashOf('bzzz/turn/1', [turn.thread, turn.phase, String(turn.round), turn.agent]) as TurnId
}

/** @param step which call of the turn (a file of a large change, a tool round), from 0 @param attempt from 0 */
export function callIdOf(turn: TurnId, step: number, attempt: number): CallId {
  return hashOf('bzzz/call/1', [turn, String(step), String(attempt)]) as CallId
}

/** Fields are joined by a byte that none of them can hold, so no two lists share a hash. */
function hashOf(domain: string, fields: string[]): string {
  return createHash('sha256')
    .update([domain, ...fields].join('\0'))
    .digest('hex')
}

export function accountKey(account: Account): string {
  return `${account.peer}/${account.incarnation}`
}
