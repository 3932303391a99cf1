import type { ManifestChange } from '@bzzz/budget'
import {
  encodeInvite,
  type JoinAnswer,
  type JoinRequest,
  nodeLabel,
  type OpenedManifest,
  type PeerId,
  peerId,
  type Signer,
} from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { z } from 'zod'
import type { Owner } from '../budget/owner.ts'
import { identityFromSeed } from '../identity/identity.ts'
import type { Change, Membership } from './membership.ts'

/** An invitation as the node keeps it: never its token, nor the seed in it. */
const inviteRecord = z.strictObject({
  /** Peer id of its key, by which its holder is known. */
  id: peerId,
  role: z.enum(['node', 'laptop']),
  /** What the new member is called; null: as it likes. */
  label: nodeLabel.nullable(),
  createdMs: z.number().int(),
  expiresMs: z.number().int(),
  revokedMs: z.number().int().nullable(),
  used: z.strictObject({ peer: peerId, label: nodeLabel, atMs: z.number().int() }).nullable(),
})
export type InviteRecord = z.infer<typeof inviteRecord>
export type InviteState = 'open' | 'used' | 'revoked' | 'expired'

/** Invitations of this node, and the joins by them. What it has said is synced to disk. */
export interface Invites {
  /**
   * @returns with the token, which is not kept
   * @throws {ConfigError} where this node does not hold the owner key; {InviteError}
   */
  create(order: InviteOrder): Promise<{ readonly record: InviteRecord; readonly token: string }>
  /** Newest first. */
  list(): readonly InviteRecord[]
  stateOf(record: InviteRecord): InviteState
  /** @returns undefined for one that is not known; one that was used stays used */
  revoke(id: string): Promise<InviteRecord | undefined>
  knows(peer: string): boolean
  /** The new version of the manifest, and what it was used for, are on disk when it resolves. */
  join(invite: PeerId, request: JoinRequest): Promise<JoinAnswer>
}

export interface InviteOrder {
  readonly role: InviteRecord['role']
  readonly label: string | null
  readonly lifeMs: number
}

export class InviteError extends Error {
  override readonly name = 'InviteError'
  readonly code: 'LABEL_TAKEN' | 'INVITES_EXHAUSTED' | 'MESH_FULL'

  constructor(code: InviteError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export interface InvitesOptions {
  /** The membership's own, so that a join is one batch; keys `i/<peer of the invitation>`. */
  readonly room: Room
  readonly membership: Membership
  /** @throws {ConfigError} */
  readonly owner: () => Promise<Signer>
  readonly sign: Owner['sign']
  readonly self: PeerId
  readonly secret: Uint8Array
  /** Where this node is reached, the best first, without its id. */
  readonly addrs: () => readonly string[]
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
}

const PREFIX = 'i/'
// Each is a key that may connect; those that are over are forgotten first.
const MAX_INVITES = 256
const MAX_MEMBERS = 64
const MAX_ADDRS = 8

export async function openInvites(options: InvitesOptions): Promise<Invites> {
  const { room, membership, now } = options
  const records = new Map<string, InviteRecord>()
  for await (const [, value] of room.entries({ gt: PREFIX, lt: 'i0' })) {
    const record = inviteRecord.parse(JSON.parse(Buffer.from(value).toString()))
    records.set(record.id, record)
  }
  const list = () => [...records.values()].sort((a, b) => b.createdMs - a.createdMs)
  const stateOf = (record: InviteRecord) => inviteState(record, now())

  async function create({ role, label, lifeMs }: InviteOrder) {
    await options.owner()
    const seed = options.randomBytes(32)
    const createdMs = now()
    const record: InviteRecord = {
      ...{ id: identityFromSeed(seed).peer, role, label, createdMs, expiresMs: createdMs + lifeMs },
      ...{ revokedMs: null, used: null },
    }
    await membership.change((newest) => {
      refuseUnable(
        label,
        newest,
        list().filter((each) => stateOf(each) === 'open'),
      )
      const forgotten = oldestOver()
      return {
        operations: [putOf(record), ...forgotten.map((id) => ({ del: PREFIX + id }))],
        written() {
          for (const id of forgotten) records.delete(id)
          records.set(record.id, record)
        },
        answer: undefined,
      }
    })
    return { record, token: tokenOf(seed, record) }
  }

  /** The one to forget for the next; none while there is room. */
  function oldestOver(): PeerId[] {
    if (records.size < MAX_INVITES) return []
    const over = list().filter((record) => stateOf(record) !== 'open')
    if (over.length === 0)
      throw new InviteError('INVITES_EXHAUSTED', `${MAX_INVITES} invitations are open: revoke some of them`)
    return over.slice(-1).map(({ id }) => id)
  }

  function tokenOf(seed: Uint8Array, { role, expiresMs }: InviteRecord): string {
    const { manifest, mesh } = membership.newest()
    return encodeInvite({
      ...{ mesh, network: manifest.network, role, expiresMs, peer: options.self },
      secret: Uint8Array.from(options.secret),
      addrs: options.addrs().slice(0, MAX_ADDRS),
      seed: Uint8Array.from(seed),
    })
  }

  function revoke(id: string): Promise<InviteRecord | undefined> {
    return membership.change((): Change<InviteRecord | undefined> => {
      const record = records.get(id)
      if (record === undefined || stateOf(record) !== 'open') return { operations: [], answer: record }
      const revoked = { ...record, revokedMs: now() }
      return { ...keeping(revoked), answer: revoked }
    })
  }

  async function decide(newest: OpenedManifest, invite: PeerId, request: JoinRequest): Promise<Change<JoinAnswer>> {
    const record = records.get(invite)
    if (record === undefined) return { operations: [], answer: refused('UNKNOWN', UNKNOWN) }
    if (record.used?.peer === request.peer) return { operations: [], answer: joined(newest) }
    const label = labelFor(record, request, newest)
    const refusal =
      refusalOf(stateOf(record)) ?? roleProblem(record, request) ?? memberProblem(label, request.peer, newest)
    if (refusal !== undefined) return { operations: [], answer: refusal }
    const signed = await options.sign(newest, addition(request, label))
    if (signed.next === undefined) return { operations: [], answer: refused('UNABLE', unableWords(signed)) }
    const used = { ...record, used: { peer: request.peer, label, atMs: now() } }
    return { next: signed.next, ...keeping(used), answer: joined(signed.next) }
  }

  function keeping(record: InviteRecord): Pick<Change<unknown>, 'operations' | 'written'> {
    return { operations: [putOf(record)], written: () => void records.set(record.id, record) }
  }

  function joined(newest: OpenedManifest): JoinAnswer {
    return { t: 'joined', first: Uint8Array.from(membership.first.bytes), newest: Uint8Array.from(newest.bytes) }
  }

  return {
    create,
    list,
    stateOf,
    revoke,
    knows: (peer) => records.has(peer),
    join: (invite, request) => membership.change((newest) => decide(newest, invite, request)),
  }
}

/** Of a node with its new ledger, whose part begins with the next periods; a laptop holds no rights. */
function addition({ peer, role, incarnation, addrs }: JoinRequest, label: string): ManifestChange {
  const account = incarnation === null ? null : { peer, incarnation }
  return { kind: 'add-member', member: { peer, label, role, addrs: [...addrs] }, account }
}

function roleProblem({ role }: InviteRecord, request: JoinRequest): JoinAnswer | undefined {
  if (request.role === role) return undefined
  return refused('WRONG_ROLE', `the invitation is for a ${role}, not for a ${request.role}`)
}

function unableWords(signed: Awaited<ReturnType<Owner['sign']>>): string {
  return signed.status === 'refused' ? signed.reason : 'nothing was to be signed'
}

const UNKNOWN = 'this node does not know the invitation (any more): ask for a new one'

export function inviteState({ used, revokedMs, expiresMs }: InviteRecord, nowMs: number): InviteState {
  if (used !== null) return 'used'
  if (revokedMs !== null) return 'revoked'
  return nowMs >= expiresMs ? 'expired' : 'open'
}

function refusalOf(state: InviteState): JoinAnswer | undefined {
  switch (state) {
    case 'open':
      return undefined
    case 'used':
      return refused('USED', 'another machine has joined with this invitation: ask for a new one')
    case 'revoked':
      return refused('REVOKED', 'the invitation was revoked: ask for a new one')
    case 'expired':
      return refused('EXPIRED', 'the invitation has expired: ask for a new one')
  }
}

function memberProblem(label: string, peer: PeerId, { manifest }: OpenedManifest): JoinAnswer | undefined {
  if (manifest.members.some((member) => member.peer === peer))
    return refused('USED', 'this key is a member already: it joined with another invitation')
  if (manifest.members.some(called(label)))
    return refused('LABEL_TAKEN', `a member is called ${label} already: name another with --label`)
  return manifest.members.length >= MAX_MEMBERS ? refused('MESH_FULL', fullWords()) : undefined
}

function refuseUnable(label: string | null, { manifest }: OpenedManifest, open: readonly InviteRecord[]): void {
  if (label !== null && manifest.members.some(called(label)))
    throw new InviteError('LABEL_TAKEN', `a member is called ${label} already: name another`)
  const other = label === null ? undefined : open.find(called(label))
  if (other !== undefined)
    throw new InviteError('LABEL_TAKEN', `the open invitation ${other.id} is for ${label}: revoke it, or name another`)
  if (manifest.members.length >= MAX_MEMBERS) throw new InviteError('MESH_FULL', fullWords())
}

function fullWords(): string {
  return `the mesh has ${MAX_MEMBERS} members, as many as it can`
}

/** The invitation's while it is free: one that was taken meanwhile must not shut its holder out, who then names another. */
function labelFor(record: InviteRecord, request: JoinRequest, newest: OpenedManifest): string {
  const own = record.label
  const isFree = own !== null && !newest.manifest.members.some(called(own))
  return (isFree ? own : (request.label ?? own)) ?? freeLabel(request, newest)
}

function freeLabel({ peer, role }: JoinRequest, { manifest }: OpenedManifest): string {
  const label = `${role}-${peer.slice(-6)}`
  return manifest.members.some(called(label)) ? `${role}-${peer.slice(-12)}` : label
}

/** Nobody tells ana from Ana in a list, nor does every disk. */
function called(label: string): (each: { readonly label: string | null }) => boolean {
  const lower = label.toLowerCase()
  return (each) => each.label?.toLowerCase() === lower
}

function refused(code: Extract<JoinAnswer, { t: 'refused' }>['code'], reason: string): JoinAnswer {
  return { t: 'refused', code, reason }
}

function putOf(record: InviteRecord) {
  return { put: PREFIX + record.id, value: Buffer.from(JSON.stringify(record)) }
}
