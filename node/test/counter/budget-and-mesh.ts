import { type OwnSlot, parseUsd, signFirstManifest } from '@bzzz/budget'
import type { Mesh, MeshEvent } from '@bzzz/mesh'
import {
  type Account,
  type Incarnation,
  type NanoUsd,
  type OpenedManifest,
  type Period,
  type Slot,
  sealSlot,
  slotKey,
} from '@bzzz/protocols'
import { readPriceTable } from '../../src/config/prices.ts'
import { type Identity, identityFromSeed } from '../../src/identity/identity.ts'

export const NOW = Date.UTC(2026, 10, 22, 12)
export const day = 'd:2026-11-22' as Period
export const month = 'm:2026-11' as Period

const identities = ['walnut', 'ironwood', 'acacia'].map((label, i) => ({
  label,
  identity: identityFromSeed(new Uint8Array(32).fill(i + 1)),
}))
export const [walnut, ironwood, acacia] = identities.map(({ identity }) => accountOf(identity)) as [
  Account,
  Account,
  Account,
]

function accountOf({ peer }: Identity): Account {
  return { peer, incarnation: '0'.repeat(32) as Incarnation }
}

export async function manifestOfThree(): Promise<OpenedManifest> {
  return signFirstManifest({
    network: 'lab',
    owner: identityFromSeed(new Uint8Array(32).fill(9)),
    members: identities.map(({ label, identity }) => ({
      member: { peer: identity.peer, label, role: 'node', addrs: [] },
      account: accountOf(identity),
      weight: 1,
    })),
    limits: { day: parseUsd('9'), month: parseUsd('90') },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: 5_000,
    prices: await readPriceTable({ prices_file: undefined, local_model: false, openai_model: 'gpt-4o-mini' }),
    now: () => NOW,
  })
}

/** @returns the signed sum of an account in a period, as it lies in the DHT */
export function slotOf(
  { mesh }: OpenedManifest,
  account: Account,
  period: Period,
  dollars: string,
  more: Partial<Slot> = {},
) {
  const owner = identities.find(({ identity }) => identity.peer === account.peer)
  if (owner === undefined) throw new RangeError(`no key of ${account.peer}`)
  const bytes = sealSlot(
    {
      v: 1,
      period,
      account,
      boot: { counter: 1, nonce: account.incarnation },
      seq: 1,
      manifestVersion: 1,
      prevHash: null,
      wallMs: NOW,
      state: 'open',
      initial: parseUsd('3'),
      granted: [],
      received: [],
      reserved: parseUsd(dollars),
      released: 0n as NanoUsd,
      overrun: 0n as NanoUsd,
      ...more,
    },
    mesh,
    owner.identity,
  )
  return { period, key: slotKey(mesh, period, account), bytes }
}

/** A budget that has only slots, and says when one changed. */
export function slotBudget() {
  const slots = new Map<Period, OwnSlot>()
  const listeners = new Set<(period: Period) => void>()
  return {
    listeners,
    charge(slot: OwnSlot): void {
      slots.set(slot.period, slot)
      for (const listener of listeners) listener(slot.period)
    },
    account: walnut,
    slots: async () => [...slots.values()],
    /** Of accounts in use twice. */
    proofs: [] as Uint8Array[],
    forkProofs(): readonly Uint8Array[] {
      return this.proofs
    },
    subscribe: (listener: (period: Period) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** A mesh whose records lie in one map. */
export function recordMesh() {
  const records = new Map<string, Uint8Array>()
  const puts: string[] = []
  const listeners = new Set<(event: MeshEvent) => void>()
  const hex = (key: Uint8Array) => Buffer.from(key).toString()
  const fake = {
    records,
    /** Keys, in the order in which they were published. */
    puts,
    listeners,
    /** Whether the others can be reached. */
    reachable: true,
    hold: (key: Uint8Array, bytes: Uint8Array) => void records.set(hex(key), bytes),
    online(): void {
      for (const listener of listeners) listener({ type: 'peer', status: { state: 'online' } } as MeshEvent)
    },
    subscribe: (listener: (event: MeshEvent) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    putRecord: async (key: Uint8Array, value: Uint8Array) => {
      if (!fake.reachable) throw new Error('nobody is reached')
      puts.push(hex(key))
      records.set(hex(key), value)
      return 2
    },
    /** How often something was looked for. */
    searches: 0,
    getRecord: async (key: Uint8Array, _options: { signal: AbortSignal }): Promise<Uint8Array | undefined> => {
      fake.searches++
      if (!fake.reachable) throw new Error('nobody is reached')
      return records.get(hex(key))
    },
  }
  return fake satisfies Pick<Mesh, 'subscribe' | 'putRecord' | 'getRecord'> & Record<string, unknown>
}
