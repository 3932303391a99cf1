import { type Envelope, equalBytes, readEnvelope, type ThreadId } from '@bzzz/protocols'
import { openState, type StateDatabase } from '@bzzz/store'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Threads } from '../src/port.ts'
import { openThreads } from '../src/threads.ts'
import { verifyThreads } from '../src/verify.ts'
import { Pen } from './pen.ts'
import { mesh, optionsFor, repair, signerOf, temporaryDirectory, viewOf, writerOf } from './place.ts'

const NODES = 4
const EQUIVOCATORS = [signerOf(8), signerOf(9)]

const node = fc.nat({ max: NODES - 1 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('append' as const), at: node, count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('forge' as const),
      who: fc.nat({ max: EQUIVOCATORS.length - 1 }),
      at: node,
      back: fc.nat({ max: 3 }),
      to: fc.integer({ min: 1, max: 2 ** NODES - 1 }),
    }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constantFrom('deliver', 'duplicate', 'lose'), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), at: node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repair' as const), from: node, at: node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('part' as const), away: fc.nat({ max: NODES }) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Acknowledged {
  readonly id: string
  readonly by: number
  /** What its node showed when it was written: change by entry id. */
  readonly seen: ReadonlyMap<string, string>
}

/** Stores on disk, a network that does what a step says, and members who sign several changes with one number. */
class World {
  #thread: ThreadId | undefined
  #acknowledged: Acknowledged[] = []
  #inFlight: { from: number; to: number; envelope: Uint8Array }[] = []
  #away = NODES
  #number = 0
  /** How often a node found that an actor ends, and how many honest entries had to be written again. */
  readonly found = { cuts: 0, again: 0 }
  readonly #directories: string[] = []
  readonly #states: StateDatabase[] = []
  readonly #threads: Threads[] = []

  static async open(): Promise<World> {
    const world = new World()
    for (let at = 0; at < NODES; at++) {
      world.#directories.push(await temporaryDirectory())
      await world.#open(at)
    }
    return world
  }

  get thread(): ThreadId {
    if (this.#thread === undefined) throw new Error('no thread yet')
    return this.#thread
  }

  /** In a thread of its own. */
  async run(steps: readonly Step[]): Promise<void> {
    this.#thread = (await this.#at(0).create(writerOf(signerOf(1)).open())).thread
    this.#acknowledged = []
    this.#away = NODES
    await this.#meet()
    this.#inFlight = []
    for (const step of steps) await this.#take(step)
    await this.#converge()
    await this.#check()
  }

  async close(): Promise<void> {
    for (let at = 0; at < NODES; at++) {
      await this.#at(at).close()
      const room = this.#states[at]?.room('threads')
      if (room !== undefined) await verifyThreads(room, mesh)
      await this.#states[at]?.close()
    }
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        return this.#append(step.at, step.count)
      case 'forge':
        return this.#forge(step)
      case 'restart':
        await this.#at(step.at).close()
        await this.#states[step.at]?.close()
        return this.#open(step.at)
      case 'repair':
        return this.#reaches(step.from, step.at) ? repair(this.#at(step.from), this.#at(step.at)) : undefined
      case 'part':
        this.#away = step.away
        return
      default:
        return this.#transmit(step.do, step.pick)
    }
  }

  async #append(at: number, count: number): Promise<void> {
    const view = await viewOf(this.#at(at), this.thread)
    const seen = new Map(view.entries.map(({ entry, change }) => [entry.id, change]))
    const ids = Array.from({ length: count }, () => `entry-${++this.#number}-`)
    const by = writerOf(signerOf(at + 1))
    await Promise.all(ids.map((id) => this.#at(at).append(this.thread, by.message(id, id, 1_000 - id.length))))
    this.#acknowledged.push(...ids.map((id) => ({ id, by: at, seen })))
  }

  /** A change on top of what a node has, but without the last ones of the same actor and what follows them. */
  async #forge({ who, at, back, to }: Step & { do: 'forge' }): Promise<void> {
    const pen = new Pen(EQUIVOCATORS[who] ?? signerOf(8), this.thread)
    const log: { envelope: Envelope; bytes: Uint8Array }[] = []
    for await (const bytes of this.#at(at).envelopesAfter(this.thread, new Map())) {
      log.push({ envelope: readEnvelope(mesh, bytes), bytes })
    }
    const last = log.filter(({ envelope }) => envelope.header.actor === pen.actor).length
    const gone = new Set<string>()
    for (const { envelope } of log) {
      const { actor, seq, deps, hash } = envelope.header
      if ((actor === pen.actor && seq > last - back) || deps.some((dep) => gone.has(dep))) gone.add(hash)
    }
    pen.learn(...log.filter(({ envelope }) => !gone.has(envelope.header.hash)).map(({ bytes }) => bytes))
    const entry = writerOf(pen.signer).message(`forged-${++this.#number}-`)
    const envelope = pen.append(JSON.stringify(entry))
    for (let node = 0; node < NODES; node++) {
      if ((to & (1 << node)) !== 0) this.#inFlight.push({ from: node, to: node, envelope })
    }
  }

  async #transmit(fate: 'deliver' | 'duplicate' | 'lose', pick: number): Promise<void> {
    const index = pick % Math.max(1, this.#inFlight.length)
    const [flying] = fate === 'duplicate' ? this.#inFlight.slice(index) : this.#inFlight.splice(index, 1)
    if (flying === undefined || fate === 'lose' || !this.#reaches(flying.from, flying.to)) return
    expect((await this.#at(flying.to).receive(flying.envelope)).status).not.toBe('refused')
  }

  #reaches(from: number, to: number): boolean {
    return from === to || (from !== this.#away && to !== this.#away)
  }

  /** Repair between all alone has to do it, in few rounds. */
  async #converge(): Promise<void> {
    for (let round = 0; round < 6; round++) if (await this.#meet()) return
    expect.unreachable('logs still differ')
  }

  /** @returns whether all had the same before */
  async #meet(): Promise<boolean> {
    const digests = await Promise.all(this.#threads.map((threads) => threads.digest()))
    const [first, ...others] = digests.map((digest) => digest.get(this.thread) ?? new Uint8Array())
    if (first !== undefined && others.every((other) => equalBytes(first, other))) return true
    for (const from of this.#threads) for (const to of this.#threads) await repair(from, to)
    return false
  }

  async #check(): Promise<void> {
    const [view, ...others] = await Promise.all(this.#threads.map((threads) => viewOf(threads, this.thread)))
    if (view === undefined) throw new Error('no view')
    for (const other of others) {
      expect(other.heads).toEqual(view.heads)
      expect(other.entries).toEqual(view.entries)
    }
    const ids = view.entries.map(({ entry }) => entry.id)
    const honest = ids.filter((id) => !id.startsWith('forged-'))
    expect(honest.toSorted()).toEqual(['opening-entry', ...this.#acknowledged.map(({ id }) => id)].toSorted())
    const places = new Map(view.entries.map((viewed, place) => [viewed.entry.id, { viewed, place }]))
    const authors = new Map(this.#acknowledged.map(({ id, by }) => [id, by]))
    for (const { id, by, seen } of this.#acknowledged) {
      const after = places.get(id)
      for (const [other, change] of seen) {
        const before = places.get(other)
        // of what others wrote again on other nodes at the same time, only times tell the order
        if (before === undefined || (before.viewed.change !== change && authors.get(other) !== by)) continue
        if (after === undefined) throw new Error(`${id} is not shown`)
        expect(before.place).toBeLessThan(after.place)
        expect(view.precedes(before.viewed, after.viewed)).toBe(true)
      }
    }
  }

  #at(index: number): Threads {
    const threads = this.#threads[index]
    if (threads === undefined) throw new RangeError(`no node ${index}`)
    return threads
  }

  async #open(at: number): Promise<void> {
    const state = await openState({ directory: this.#directories[at] ?? '' })
    const threads = await openThreads({
      ...optionsFor(state, signerOf(at + 1)),
      observe: (fact) => {
        if (fact.type !== 'cut') return
        this.found.cuts += 1
        this.found.again += fact.again
      },
    })
    threads.subscribe(({ own, envelope }) => {
      for (let to = 0; to < NODES; to++) if (own && to !== at) this.#inFlight.push({ from: at, to, envelope })
    })
    this.#states[at] = state
    this.#threads[at] = threads
  }
}

// Each in a thread of its own; too many threads would slow down what all of them are for.
const SCHEDULES_PER_WORLD = 100

export async function checkSchedules(schedules: number): Promise<void> {
  const schedule = fc.array(step, { minLength: 10, maxLength: 50, size: 'max' })
  for (let left = schedules; left > 0; left -= SCHEDULES_PER_WORLD) {
    const numRuns = Math.min(left, SCHEDULES_PER_WORLD)
    const world = await World.open()
    await fc.assert(
      fc.asyncProperty(schedule, (steps) => world.run(steps)),
      { numRuns },
    )
    await world.close()
    // else the schedules would not try what they are for
    expect(world.found.cuts).toBeGreaterThan(numRuns / 2)
    expect(world.found.again).toBeGreaterThan(numRuns / 2)
  }
}
