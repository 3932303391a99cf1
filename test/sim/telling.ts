import type { BudgetFact } from '@bzzz/budget'
import { ProtocolError, type SignedThing } from '@bzzz/protocols'
import type { EscrowProcess } from './escrow-process.ts'
import type { EscrowHouse, Told } from './home.ts'
import type { Mutant } from './mutants.ts'
import type { World } from './world.ts'

/** What a node tells others of what accounts sign, and hears of it. */
export interface Telling {
  /** Of a new link. */
  greet(to: number): void
  hear(thing: Told, from: number): void
  /** Its process runs: what was seen before is remembered. */
  begin(process: EscrowProcess): void
  /** Its state was put back. */
  forget(): void
  /** Of the process that runs. */
  onFact(fact: BudgetFact): void
  /** The newest own slot, when it was sealed. */
  tellOwn(slot: Uint8Array | undefined): void
  /** How often something new of its own was told. */
  readonly told: number
}

export interface TellingTerms {
  readonly world: World
  readonly index: number
  readonly mutant: Mutant
  readonly houses: readonly EscrowHouse[]
  readonly process: () => EscrowProcess | undefined
  readonly ended: (cause: unknown) => void
}

/** As the shipped node has it: see node/src/budget/sightings.ts. */
const TELL_OWN_MS = 60_000
const TELL_FORKS_MS = 5_000

export function createTelling({ world, index, mutant, houses, process, ended }: TellingTerms): Telling {
  const { network, plan } = world
  let kept: readonly SignedThing[] = []
  let toldOwn: Uint8Array | undefined
  let isDue = false
  let told = 0

  /** A link is a stream: what it does not deliver is told again on the next one. */
  function tell(to: number, thing: Told): void {
    if (to !== index && houses[to]?.peer !== houses[index]?.peer)
      network.tell(index, to, () => houses[to]?.hear(thing, index))
  }

  function tellAll(things: readonly Told[]): void {
    for (const to of houses.keys()) for (const thing of things) tell(to, thing)
  }

  function forks(): Told[] {
    return (process()?.budget.forkProofs() ?? []).map((bytes) => ({ kind: 'fork', bytes: Uint8Array.from(bytes) }))
  }

  async function take(running: EscrowProcess, thing: Told, from?: number): Promise<void> {
    if (thing.kind === 'fork') {
      await running.budget.noteFork(thing.bytes)
      return
    }
    if (mutant.looksAtNothing === true) return
    const sighted = await running.budget.sight(thing)
    const peer = from === undefined ? undefined : houses[from]?.process?.budget.account.peer
    if (sighted === 'late' && from !== undefined && peer !== undefined)
      for (const seen of running.budget.seenOf(peer)) tell(from, seen)
  }

  /** Each minute, while it signs. */
  function tick(running: EscrowProcess): void {
    if (isDue || !plan.tellsOften) return
    isDue = true
    running.after(TELL_OWN_MS, () => {
      isDue = false
      kept = running.budget.seen().map(({ thing }) => thing)
      running.tellSlots().then(tellOwn, ended)
    })
  }

  function tellOwn(slot: Uint8Array | undefined): void {
    if (slot === undefined || slot === toldOwn) return
    toldOwn = slot
    told += 1
    tellAll([{ kind: 'slot', bytes: Uint8Array.from(slot) }])
  }

  return {
    get told() {
      return told
    },
    tellOwn,
    greet(to) {
      const [running, peer] = [process(), houses[to]?.process?.budget.account.peer]
      if (running === undefined || peer === undefined) return
      const ack = running.budget.ack()
      if (ack !== undefined) tell(to, { kind: 'ack', bytes: Uint8Array.from(ack) })
      for (const thing of [...forks(), ...running.budget.seenOf(peer)]) tell(to, thing)
      if (toldOwn !== undefined) tell(to, { kind: 'slot', bytes: Uint8Array.from(toldOwn) })
      if (plan.tellsOften) running.tellSlots().then(tellOwn, ended)
    },
    hear(thing, from) {
      const running = process()
      if (running === undefined) return
      take(running, thing, from).catch((cause: unknown) => {
        if (!(cause instanceof ProtocolError)) ended(cause)
      })
    },
    begin(running) {
      isDue = false
      toldOwn = undefined
      for (const thing of kept) take(running, thing).catch(ended)
    },
    forget() {
      kept = []
    },
    onFact(fact) {
      const running = process()
      if (running === undefined) return
      if (fact.type === 'written' && fact.records > 0) tick(running)
      if (fact.type === 'forked') running.after(TELL_FORKS_MS, () => tellAll(forks()))
    },
  }
}
