import type { ThreadId } from '@bzzz/protocols'
import { openState, type StateDatabase } from '@bzzz/store'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Threads } from '../src/port.ts'
import { openThreads } from '../src/threads.ts'
import { optionsFor, repair, shownIds, signerOf, temporaryDirectory, viewOf, writerOf } from './place.ts'

const NODES = 3

const node = fc.nat({ max: NODES - 1 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('append' as const), at: node, writers: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('deliver', 'duplicate', 'lose'), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), at: node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repair' as const), from: node, at: node }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Three stores on disk and a network that holds every envelope back until a step says what becomes of it. */
class World {
  thread: ThreadId | undefined
  readonly acknowledged: { id: string; seen: string[] }[] = []
  readonly #directories: string[] = []
  readonly #states: StateDatabase[] = []
  readonly #threads: Threads[] = []
  readonly #maxPartEntries: number
  readonly #inFlight: { to: number; envelope: Uint8Array }[] = []

  constructor(maxPartEntries: number) {
    this.#maxPartEntries = maxPartEntries
  }

  static async open(maxPartEntries: number): Promise<World> {
    const world = new World(maxPartEntries)
    for (let at = 0; at < NODES; at++) {
      world.#directories.push(await temporaryDirectory())
      await world.#open(at)
    }
    world.thread = (await world.at(0).create(writerOf(signerOf(1)).open())).thread
    await world.meet()
    return world
  }

  at(index: number): Threads {
    const threads = this.#threads[index]
    if (threads === undefined) throw new RangeError(`no node ${index}`)
    return threads
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'append':
        return this.#append(step.at, step.writers)
      case 'restart':
        await this.#close(step.at)
        return this.#open(step.at)
      case 'repair':
        return repair(this.at(step.from), this.at(step.at))
      default:
        return this.#transmit(step.do, step.pick)
    }
  }

  async meet(): Promise<void> {
    for (const from of this.#threads) for (const to of this.#threads) await repair(from, to)
  }

  async close(): Promise<void> {
    for (let at = 0; at < NODES; at++) await this.#close(at)
  }

  async #append(at: number, writers: number): Promise<void> {
    const { thread } = this
    if (thread === undefined) throw new Error('no thread yet')
    const seen = (await shownIds(this.at(at), thread)).filter(isSaid)
    const ids = Array.from({ length: writers }, (_, i) => `entry-${this.acknowledged.length + i}-`)
    const by = writerOf(signerOf(at + 1))
    await Promise.all(ids.map((id) => this.at(at).append(thread, by.message(id, id, 1_000 - id.length))))
    this.acknowledged.push(...ids.map((id) => ({ id, seen })))
  }

  async #transmit(fate: 'deliver' | 'duplicate' | 'lose', pick: number): Promise<void> {
    const index = pick % Math.max(1, this.#inFlight.length)
    const [flying] = fate === 'duplicate' ? this.#inFlight.slice(index) : this.#inFlight.splice(index, 1)
    if (flying === undefined || fate === 'lose') return
    const { status } = await this.at(flying.to).receive(flying.envelope)
    expect(status).not.toBe('refused')
  }

  async #open(at: number): Promise<void> {
    const state = await openState({ directory: this.#directories[at] ?? '' })
    const options = { ...optionsFor(state, signerOf(at + 1)), maxPartEntries: this.#maxPartEntries }
    const threads = await openThreads(options)
    threads.subscribe(({ own, envelope }) => {
      const others = own ? [0, 1, 2].filter((to) => to !== at) : []
      this.#inFlight.push(...others.map((to) => ({ to, envelope })))
    })
    this.#states[at] = state
    this.#threads[at] = threads
  }

  async #close(at: number): Promise<void> {
    await this.at(at).close()
    await this.#states[at]?.close()
  }
}

const schedule = fc.array(step, { minLength: 20, maxLength: 60, size: 'max' })

function converges(maxPartEntries: number) {
  return fc.asyncProperty(schedule, async (steps) => {
    const world = await World.open(maxPartEntries)
    for (const step of steps) await world.take(step)
    await world.meet()
    await check(world)
    await world.close()
  })
}

test('after loss, duplication, reordering and restarts all stores show the same, each acknowledged entry once, after what its author had seen', () =>
  fc.assert(converges(10_000), { numRuns: 15 }))

test('so they do of a thread that goes on in parts of a few entries each, which the stores begin apart from each other', () =>
  fc.assert(converges(5), { numRuns: 15 }))

/** Not by a store of itself. */
function isSaid(id: string): boolean {
  return !id.startsWith('continue-')
}

async function check(world: World): Promise<void> {
  const { thread } = world
  if (thread === undefined) throw new Error('no thread')
  const [view, ...others] = await Promise.all([0, 1, 2].map((at) => viewOf(world.at(at), thread)))
  if (view === undefined) throw new Error('no view')
  for (const other of others) {
    expect(other.heads).toEqual(view.heads)
    expect(other.entries).toEqual(view.entries)
  }
  const said = view.entries.filter(({ entry }) => isSaid(entry.id))
  const places = new Map(said.map((viewed, place) => [viewed.entry.id, { viewed, place }]))
  expect([...places.keys()].sort()).toEqual(['opening-entry', ...world.acknowledged.map(({ id }) => id)].sort())
  expect(said.length).toBe(places.size)
  const chains = [0, 1, 2].map((at) => world.at(at).parts(thread))
  for (const chain of chains) expect(chain).toEqual(chains[0])
  for (const { id, seen } of world.acknowledged) {
    const after = places.get(id)
    for (const before of seen.map((other) => places.get(other))) {
      if (before === undefined || after === undefined) throw new Error(`${id} or what it follows is not shown`)
      expect(before.place).toBeLessThan(after.place)
      expect(view.precedes(before.viewed, after.viewed)).toBe(true)
      expect(view.precedes(after.viewed, before.viewed)).toBe(false)
    }
  }
}
