import type { Budget } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import { type MeshId, type NanoUsd, openSlot, type PeerId, ProtocolError } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { ConfigError } from '../config/errors.ts'
import type { Membership } from '../membership/membership.ts'
import { ChangeRefused } from './changes.ts'
import { calendarSpare, type Gift, type Giving, give } from './gifts.ts'
import type { Owner } from './owner.ts'

export interface Left {
  /** `told`: the owner's node did not answer in time, and has to remove this one. */
  readonly status: 'removed' | 'told'
  readonly given: readonly { readonly label: string; readonly period: string; readonly amount: bigint }[]
}

export interface LeavingOptions extends Giving {
  /** The membership's own; key `left`. */
  readonly room: Room
  readonly membership: Membership
  readonly budget: Giving['budget'] & Pick<Budget, 'retire'>
  readonly mesh: Giving['mesh'] & Pick<Mesh, 'peer' | 'cards'>
  readonly ownerKeyHere: () => Promise<boolean>
  /** Resolves once no turn of this node's agents is under way, and none begins. */
  readonly stopTurns: () => Promise<void>
  readonly patience: () => AbortSignal
}

const LEFT = 'left'

/**
 * Takes this node out of its mesh for good: turns end, what it has not spent goes to the others, its account is closed, and
 * the owner's node is told. Nothing of it can be undone.
 * @throws {ChangeRefused} where others would be left without an owner, or nobody is there to take the rights
 */
export async function leaveMesh(options: LeavingOptions): Promise<Left> {
  const { membership, mesh, budget, room, now } = options
  const { members } = membership.newest().manifest
  const nodes = new Map(members.flatMap(({ peer, role, label }) => (role === 'node' ? [[peer, label] as const] : [])))
  if (!nodes.has(mesh.peer)) {
    const isMember = members.some(({ peer }) => peer === mesh.peer)
    throw new ChangeRefused('CHANGE_REFUSED', isMember ? LAPTOP_WORDS : REMOVED_WORDS)
  }
  if (await options.ownerKeyHere()) throw new ChangeRefused('CHANGE_REFUSED', OWNER_WORDS)
  const live = mesh.cards().filter(({ live, card }) => live && card.peer !== mesh.peer && nodes.has(card.peer))
  if (live.length === 0) throw new ChangeRefused('CHANGE_REFUSED', ALONE_WORDS)
  await options.stopTurns()
  const gifts: Gift[] = []
  for (const [index, { card }] of live.entries()) {
    const shares = [...calendarSpare(budget.spare())].map(
      ([period, amount]) => [period, (amount / BigInt(live.length - index)) as NanoUsd] as const,
    )
    gifts.push(...(await give(options, card, new Map(shares))))
  }
  await room.write([{ put: LEFT, value: Buffer.from(String(now())) }])
  for (const { bytes } of await budget.retire()) {
    for (const kind of ['slot', 'leave'] as const) mesh.tellBudget({ kind, bytes: Uint8Array.from(bytes) })
  }
  const isOut = await untilRemoved(membership, mesh.peer, options.patience())
  const given = gifts.map(({ to, period, amount }) => ({ label: nodes.get(to) ?? to, period, amount }))
  return { status: isOut ? 'removed' : 'told', given }
}

function untilRemoved(membership: Membership, self: PeerId, patience: AbortSignal): Promise<boolean> {
  if (!membership.isMember(self)) return Promise.resolve(true)
  return new Promise((resolve) => {
    const stop = membership.subscribe(() => {
      if (!membership.isMember(self)) end(true)
    })
    const end = (isOut: boolean) => {
      stop()
      resolve(isOut)
    }
    patience.addEventListener('abort', () => end(false), { once: true })
  })
}

/** @throws {ConfigError} on a data directory whose node has heard that it was removed */
export function refuseRemoved(membership: Pick<Membership, 'newest' | 'isMember' | 'wasMember'>, self: PeerId): void {
  if (membership.isMember(self) || !membership.wasMember(self)) return
  const { network } = membership.newest().manifest
  throw new ConfigError(
    'LEFT_MESH',
    `this machine was removed from the mesh ${network}, and is no member any more: its threads can be read from a copy, nothing else; to come back, ask for an invitation and join with another data directory`,
  )
}

/** @throws {ConfigError} on a data directory whose node has left its mesh */
export async function refuseLeft(room: Room, network: string): Promise<void> {
  const left = await room.get(LEFT)
  if (left === undefined) return
  const day = new Date(Number(Buffer.from(left).toString())).toISOString().slice(0, 10)
  throw new ConfigError(
    'LEFT_MESH',
    `this machine left the mesh ${network} on ${day}, and its account is closed: its threads can be read from a copy, nothing else; to come back, ask for an invitation and join with another data directory`,
  )
}

/** On the owner's node: a closed slot is the leaver's own word, so its rights are free again. */
export function createLeaveTaker(
  mesh: MeshId,
  owner: Pick<Owner, 'change'>,
): (slot: Uint8Array, from: PeerId) => Promise<void> {
  return async (bytes, from) => {
    const { account, state } = openSlot(bytes, mesh)
    if (account.peer !== from || state !== 'closed')
      throw new ProtocolError('BAD_SHAPE', 'a leave without its closed slot')
    try {
      await owner.change({ kind: 'remove-member', peer: from, how: 'left' })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error // another node has the owner's key
    }
  }
}

const LAPTOP_WORDS =
  'a laptop holds no rights: on the node with the owner key, run "bzzz remove" with its name, then delete this data directory'
const REMOVED_WORDS =
  'this machine was removed from the mesh and is no member any more: stop it, then keep or delete this data directory'
const OWNER_WORDS =
  "this node holds the mesh's owner key, without which no limit and no member can change: move the key to another node first (see docs/budget.md), then leave"
const ALONE_WORDS = 'no other node is reached to take over what this one has not spent: start one, then leave'
