import type { Budget, Sighted } from '@bzzz/budget'
import type { BudgetPort, Mesh } from '@bzzz/mesh'
import {
  accountKey,
  type BudgetThing,
  dayPeriod,
  decodeCanonical,
  encodeCanonical,
  type MeshId,
  monthPeriod,
  type PeerId,
  ProtocolError,
  type SignedThing,
  SLOT_NAMESPACE,
  slotKey,
} from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { z } from 'zod'

/**
 * What accounts were seen to sign, wherever it came from: a copy of a node, or a node that was put back, is found out, and
 * everybody is told. The newest of each account is remembered over a restart, since a peer that was put back has to be told of it.
 */
export interface NodeSightings {
  /** The mesh's port of the budget, looked over. */
  watching(port: BudgetPort): BudgetPort
  /** The mesh, each slot that it finds in the DHT looked at. */
  reading(
    mesh: Pick<Mesh, 'subscribe' | 'putRecord' | 'getRecord'>,
  ): Pick<Mesh, 'subscribe' | 'putRecord' | 'getRecord'>
  /** A slot that came by the DHT, its signature checked. */
  hear(slot: Uint8Array): void
  /** Once the mesh is open: tells what is found out, and asks the DHT what this node's account has signed. */
  connect(mesh: SightedMesh): void
  close(): Promise<void>
}

export type SightedMesh = Pick<Mesh, 'subscribe' | 'getRecord' | 'tellBudget'>

export type SightingsFact =
  /** The DHT did not answer: a peer may still tell. */
  | { readonly type: 'own-slots-not-read'; readonly error: unknown }
  | { readonly type: 'sightings-not-kept'; readonly error: unknown }
  /** The ledger takes nothing more. */
  | { readonly type: 'slot-not-looked-at'; readonly error: unknown }
  | { readonly type: 'own-slot-not-told'; readonly error: unknown }

export interface SightingsOptions {
  readonly room: Room
  readonly mesh: MeshId
  readonly budget: Pick<Budget, 'account' | 'sight' | 'seen' | 'seenOf' | 'forkProofs' | 'slots'>
  readonly now: () => number
  readonly observe: (fact: SightingsFact) => void
}

/** A crash forgets what was seen in so long. */
const KEEP_MS = 60_000
/** What this node signed last is told so often, while it signs: peers know it then, should its ledger be put back. */
const TELL_OWN_MS = 60_000
/** A proof that came with a grant is told after so long; others at once. */
const TELL_MS = 5_000
/** How often, at most, the DHT is asked for what this node has signed itself. */
const ASK_AGAIN_MS = 60_000
const ASK_TIMEOUT_MS = 10_000

export async function openSightings(options: SightingsOptions): Promise<NodeSightings> {
  const { room, budget, now, observe } = options
  const kept = await readKept(room)
  for (const thing of kept.values()) await sightQuietly(budget, thing)
  const stops: (() => void)[] = []
  let tell: SightedMesh['tellBudget'] | undefined
  let told = budget.forkProofs().length
  let keeping: Promise<void> = Promise.resolve()
  /** The day and the month that were told last. */
  let toldOwn: ReadonlyMap<string, Uint8Array> = new Map()

  function tellForks(): void {
    const proofs = budget.forkProofs()
    for (const bytes of proofs.slice(told)) tell?.({ kind: 'fork', bytes })
    told = proofs.length
  }

  async function receive(port: BudgetPort, thing: BudgetThing, from: PeerId): Promise<void> {
    const { kind, bytes } = thing
    const sighted =
      kind === 'slot' || kind === 'ack' ? await budget.sight({ kind, bytes: Uint8Array.from(bytes) }) : 'seen'
    if (isOthers(sighted)) await port.receive(thing, from)
    if (sighted === 'late') for (const seen of budget.seenOf(from).flatMap(handedOn)) tell?.(seen, from)
    // Whoever hands on a proof is told on by the one that takes it.
    if (kind === 'fork') told = budget.forkProofs().length
    else tellForks()
  }

  async function tellOwn(): Promise<void> {
    try {
      const slots = await budget.slots()
      const newest = ['m:', 'd:'].flatMap((kind) => slots.findLast(({ period }) => period.startsWith(kind)) ?? [])
      for (const { period, bytes } of newest) {
        if (toldOwn.get(period) === bytes) continue
        tell?.({ kind: 'slot', bytes })
      }
      toldOwn = new Map(newest.map(({ period, bytes }) => [period, bytes]))
    } catch (error) {
      observe({ type: 'own-slot-not-told', error })
    }
  }

  function keep(): Promise<void> {
    const operations = changesTo(kept, budget.seen())
    if (operations.length > 0)
      keeping = keeping
        .then(() => room.write(operations))
        .catch((error: unknown) => observe({ type: 'sightings-not-kept', error }))
    return keeping
  }

  return {
    watching: (port) => ({
      grant: (request, from) => port.grant(request, from),
      receive: (thing, from) => receive(port, thing, from),
      greeting: (to) => [...port.greeting(to), ...budget.seenOf(to).flatMap(handedOn)],
    }),
    reading: (mesh) => ({
      subscribe: (listener) => mesh.subscribe(listener),
      putRecord: (key, value, how) => mesh.putRecord(key, value, how),
      async getRecord(key, how) {
        const bytes = await mesh.getRecord(key, how)
        if (bytes !== undefined && isSlotKey(key)) await sightQuietly(budget, slotOf(bytes))
        return bytes
      },
    }),
    hear(slot) {
      sightQuietly(budget, slotOf(slot)).catch((error: unknown) => observe({ type: 'slot-not-looked-at', error }))
    },
    connect(mesh) {
      tell = mesh.tellBudget
      const telling = setInterval(tellForks, TELL_MS)
      const saving = setInterval(keep, KEEP_MS)
      const tellingOwn = setInterval(tellOwn, TELL_OWN_MS)
      const asking = createAsking(mesh, options)
      const unwatch = mesh.subscribe((event) => {
        if (event.type === 'peer' && event.status.state === 'online') asking.ask(now())
      })
      stops.push(unwatch, asking.stop)
      for (const timer of [telling, saving, tellingOwn]) stops.push(() => clearInterval(timer))
    },
    async close() {
      for (const stop of stops) stop()
      await keep()
    },
  }
}

/** Asks the DHT for what this node's account has signed: more than its ledger holds means that an older one was put back. */
function createAsking(
  mesh: SightedMesh,
  { mesh: id, budget, observe }: SightingsOptions,
): { ask(nowMs: number): void; stop(): void } {
  const closing = new AbortController()
  let askedMs = Number.NEGATIVE_INFINITY

  async function askFor(nowMs: number): Promise<void> {
    for (const period of [dayPeriod(nowMs), monthPeriod(nowMs)]) {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(ASK_TIMEOUT_MS)])
      const bytes = await mesh.getRecord(slotKey(id, period, budget.account), { signal })
      if (bytes !== undefined) await sightQuietly(budget, slotOf(bytes))
    }
  }

  return {
    ask(nowMs) {
      if (nowMs - askedMs < ASK_AGAIN_MS) return
      askedMs = nowMs
      askFor(nowMs).catch((error: unknown) => {
        if (!closing.signal.aborted) observe({ type: 'own-slots-not-read', error })
      })
    },
    stop: () => closing.abort(),
  }
}

/** Things that were checked before, or that the DHT's validator let pass: what is none after all, tells nothing. */
async function sightQuietly({ sight }: Pick<Budget, 'sight'>, thing: SignedThing): Promise<void> {
  try {
    await sight(thing)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
}

/** What is handed back to this node, or is of an account that is in use twice, is of no use to anybody else here. */
function isOthers(sighted: Sighted): boolean {
  return sighted === 'seen' || sighted === 'late' || sighted === 'stranger'
}

function slotOf(bytes: Uint8Array): SignedThing {
  return { kind: 'slot', bytes: Uint8Array.from(bytes) }
}

function isSlotKey(key: Uint8Array): boolean {
  return Buffer.from(key).toString().startsWith(`/${SLOT_NAMESPACE}/`)
}

function handedOn({ kind, bytes }: SignedThing): BudgetThing[] {
  return kind === 'manifest' ? [] : [{ kind, bytes }]
}

const keptThing = z.strictObject({ kind: z.enum(['slot', 'grant', 'ack']), bytes: z.instanceof(Uint8Array) })
const MAX_KEPT_BYTES = 128 * 1024

/** By account. */
async function readKept(room: Room): Promise<Map<string, SignedThing>> {
  const kept = new Map<string, SignedThing>()
  for await (const [key, value] of room.entries()) {
    const { kind, bytes } = decodeCanonical(value, keptThing, MAX_KEPT_BYTES)
    kept.set(key, { kind, bytes: Uint8Array.from(bytes) })
  }
  return kept
}

/** What is to be written for the rows to be what was seen; `kept` is made to say so. */
function changesTo(kept: Map<string, SignedThing>, seen: ReturnType<Budget['seen']>): Operation[] {
  const wanted = new Map(seen.map(({ account, thing }) => [accountKey(account), thing]))
  const changed = [...wanted].filter(([key, thing]) => kept.get(key) !== thing)
  const gone = [...kept.keys()].filter((key) => !wanted.has(key))
  for (const [key, thing] of changed) kept.set(key, thing)
  for (const key of gone) kept.delete(key)
  return [
    ...changed.map(([put, thing]): Operation => ({ put, value: encodeCanonical(thing) })),
    ...gone.map((del): Operation => ({ del })),
  ]
}
