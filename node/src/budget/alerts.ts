import {
  type Alert,
  type BudgetThing,
  type MeshId,
  type NanoUsd,
  type OpenedManifest,
  openAlert,
  type PeerId,
  type Period,
  parsePeriod,
  type Signer,
  sealAlert,
} from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { MeshTotal } from '../counter/shared-counter.ts'
import { levelReached, rankOf } from './alert-rules.ts'

/** Warnings and critical alerts of the mesh's limits: each is told to people by one node, and known to all. */
export interface Alerts {
  /** Newest period first. */
  list(): readonly Alert[]
  /** Told of each alert once on this node, whoever told it to people. @returns how to stop */
  subscribe(listener: (alert: Alert) => void): () => void
  /** Asks for the sums and tells what is due. @returns whether something is reached that another node may tell first */
  look(): Promise<boolean>
  /** Of another node. @throws {ProtocolError} for what no honest node hands on; {StateError} */
  receive(bytes: Uint8Array, from: PeerId): Promise<void>
  /** What a node is told on a new link. */
  greeting(): readonly BudgetThing[]
}

export type AlertFact =
  /** By this node; synced, and to be told to people now. */
  | { readonly type: 'alert-told'; readonly alert: Alert }
  /** Another node told it to people. */
  | { readonly type: 'alert-heard'; readonly alert: Alert }
  /** It changes nothing. */
  | { readonly type: 'alert-refused'; readonly from: PeerId; readonly why: 'not-a-node' | 'out-of-date' | 'too-many' }

export interface AlertsOptions {
  readonly room: Pick<Room, 'entries' | 'write'>
  readonly mesh: MeshId
  readonly signer: Signer
  /** In force. */
  readonly manifest: () => OpenedManifest
  /** Days and months that are running. */
  readonly periods: () => readonly Period[]
  readonly total: (period: Period, options: { signal: AbortSignal }) => Promise<MeshTotal>
  /** Nodes that are reached now. */
  readonly online: () => ReadonlySet<PeerId>
  readonly tell: (thing: BudgetThing, but: PeerId | null) => void
  readonly now: () => number
  readonly observe: (fact: AlertFact) => void
}

/** A node that stands further back in the row tells only what none before it has told for so long, times its place. */
export const GRACE_MS = 15_000
const TOTAL_TIMEOUT_MS = 3_000
const DAY_MS = 86_400_000
const KEPT_MS = 62 * DAY_MS
const CLOCKS_APART_MS = 2 * DAY_MS
/** Two levels of a few limits that were raised and lowered; more is nonsense. */
const MAX_PER_PERIOD = 32

interface Kept {
  readonly alert: Alert
  readonly bytes: Uint8Array
}

/** Reads what is known from disk; drops what is long over. */
export async function openAlerts(options: AlertsOptions): Promise<Alerts> {
  const { room, mesh, signer, manifest, now, observe } = options
  const kept = await readKept(room, mesh, now())
  const listeners = new Set<(alert: Alert) => void>()
  /** When something was first seen as reached and not told, by its key. */
  const reachedMs = new Map<string, number>()
  let writing = Promise.resolve()

  const knows = ({ period, level, limit }: Pick<Alert, 'period' | 'level' | 'limit'>): boolean =>
    kept.has(keyOf({ period, level: 'critical', limit })) || kept.has(keyOf({ period, level, limit }))

  /** One after the other, so that what comes twice at once is kept, told and handed on once. */
  function keep(alert: Alert, bytes: Uint8Array, from: PeerId | null): Promise<void> {
    const write = async (): Promise<void> => {
      const key = keyOf(alert)
      if (kept.has(key)) return
      await room.write([{ put: key, value: bytes }])
      kept.set(key, { alert, bytes })
      observe({ type: from === null ? 'alert-told' : 'alert-heard', alert })
      options.tell({ kind: 'alert', bytes }, from)
      for (const listener of listeners) listener(alert)
    }
    const written = writing.then(write)
    writing = written.catch(() => undefined) // its caller is told
    return written
  }

  /** @returns whether it is reached, and not told by anybody yet */
  async function lookAt(period: Period): Promise<boolean> {
    const { thresholds, allotments } = manifest().manifest
    const { low, lost, limit } = await options.total(period, { signal: AbortSignal.timeout(TOTAL_TIMEOUT_MS) })
    // What is lost is missing as much as what is spent.
    const spent = (low + lost) as NanoUsd
    const level = levelReached({ spent, limit }, thresholds)
    if (level === undefined || knows({ period, level, limit })) return false
    const key = keyOf({ period, level, limit })
    const sinceMs = reachedMs.get(key) ?? now()
    reachedMs.set(key, sinceMs)
    const holders = allotments.map(({ account }) => account.peer)
    if (now() - sinceMs < rankOf(signer.peer, holders, options.online()) * GRACE_MS) return true
    reachedMs.delete(key)
    const alert: Alert = { v: 1, period, level, limit, spent, teller: signer.peer, wallMs: now() }
    await keep(alert, sealAlert(alert, mesh, signer), null)
    return false
  }

  function refusalOf(alert: Alert): Extract<AlertFact, { type: 'alert-refused' }>['why'] | undefined {
    const teller = manifest().manifest.members.find(({ peer }) => peer === alert.teller)
    if (teller?.role !== 'node') return 'not-a-node'
    const begins = beginOf(alert.period)
    if (begins > now() + CLOCKS_APART_MS || begins < now() - KEPT_MS) return 'out-of-date'
    const ofPeriod = [...kept.values()].filter(({ alert: { period } }) => period === alert.period)
    return ofPeriod.length >= MAX_PER_PERIOD ? 'too-many' : undefined
  }

  return {
    list: () => [...kept.values()].map(({ alert }) => alert).toSorted((a, b) => b.wallMs - a.wallMs),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async look() {
      const pending = await Promise.all(options.periods().map(lookAt))
      return pending.includes(true)
    },
    async receive(bytes, from) {
      const alert = openAlert(bytes, mesh)
      if (kept.has(keyOf(alert))) return
      const why = refusalOf(alert)
      if (why !== undefined) return observe({ type: 'alert-refused', from, why })
      await keep(alert, bytes, from)
    },
    greeting: () => [...kept.values()].map(({ bytes }): BudgetThing => ({ kind: 'alert', bytes })),
  }
}

function keyOf({ period, level, limit }: Pick<Alert, 'period' | 'level' | 'limit'>): string {
  return `${period}/${level}/${limit}`
}

function beginOf(period: Period): number {
  const parsed = parsePeriod(period)
  return parsed?.kind === 'day' || parsed?.kind === 'month' ? Date.parse(parsed.label) : 0
}

async function readKept(room: AlertsOptions['room'], mesh: MeshId, nowMs: number): Promise<Map<string, Kept>> {
  const kept = new Map<string, Kept>()
  const over: string[] = []
  for await (const [key, bytes] of room.entries()) {
    const alert = openAlert(bytes, mesh)
    if (beginOf(alert.period) < nowMs - KEPT_MS) over.push(key)
    else kept.set(key, { alert, bytes })
  }
  if (over.length > 0) await room.write(over.map((key) => ({ del: key })))
  return kept
}
