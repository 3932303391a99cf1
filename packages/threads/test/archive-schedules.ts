import { type Envelope, readEnvelope, type SeqVector, type ThreadId } from '@bzzz/protocols'
import { openState, type StateDatabase } from '@bzzz/store'
import fc from 'fast-check'
import { expect } from 'vitest'
import { LoadedThread } from '../src/loaded.ts'
import type { Threads } from '../src/port.ts'
import { openThreads } from '../src/threads.ts'
import { verifyThreads } from '../src/verify.ts'
import { mesh, openNode, optionsFor, repair, signerOf, temporaryDirectory, viewOf, writerOf } from './place.ts'

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('append', 'receive'), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('archive', 'archive elsewhere'), count: fc.constant(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('compress', 'restart', 'read'), count: fc.nat() }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One store on disk, somebody else who writes to the same thread, and every envelope that the store told of. */
class Shelf {
  readonly told: Envelope[] = []
  readonly #directory: string
  readonly #elsewhere: Awaited<ReturnType<typeof openNode>>
  readonly #by = writerOf(signerOf(1))
  #state: StateDatabase | undefined
  #threads: Threads | undefined
  #thread: ThreadId | undefined
  #number = 0

  constructor(directory: string, elsewhere: Awaited<ReturnType<typeof openNode>>) {
    this.#directory = directory
    this.#elsewhere = elsewhere
  }

  static async open(): Promise<Shelf> {
    const shelf = new Shelf(await temporaryDirectory(), await openNode(2))
    await shelf.#open()
    shelf.#thread = (await shelf.threads.create(shelf.#by.open())).thread
    return shelf
  }

  get threads(): Threads {
    if (this.#threads === undefined) throw new Error('not open')
    return this.#threads
  }

  get thread(): ThreadId {
    if (this.#thread === undefined) throw new Error('no thread yet')
    return this.#thread
  }

  async take({ do: what, count }: Step): Promise<void> {
    const { threads, thread } = this
    const id = () => `entry-${++this.#number}-by-us`
    switch (what) {
      case 'append':
        // One after the other: each is a change of its own.
        for (let i = 0; i < count; i++) await threads.append(thread, this.#by.message(id(), 'words '.repeat(count)))
        return
      case 'archive':
        await threads.append(thread, this.#by.archive(id()))
        return
      case 'receive':
      case 'archive elsewhere':
        return this.#receive(count, what === 'archive elsewhere')
      case 'compress':
        return threads.compress(thread)
      case 'restart':
        return this.restart()
      default:
        return this.#compare(count)
    }
  }

  async restart(): Promise<void> {
    await this.close()
    await this.#open()
  }

  /** The view is what all envelopes make; what is sent is what was told of, beyond any vector, causes first. */
  async check(): Promise<void> {
    const reference = new LoadedThread(this.thread, '01', this.told)
    const view = await viewOf(this.threads, this.thread)
    expect(view.entries).toEqual(reference.view().entries)
    expect(view.heads).toEqual(reference.heads)
    expect(view.archived).toBe(reference.view().archived)
    reference.free()
    for (const count of [0, Math.floor(this.told.length / 2), this.told.length - 1]) await this.#compare(count)
  }

  async close(): Promise<void> {
    const room = this.#state?.room('threads')
    await this.threads.close()
    if (room !== undefined) await verifyThreads(room, mesh)
    await this.#state?.close()
  }

  async #compare(pick: number): Promise<void> {
    const count = pick % (this.told.length + 1)
    const have: SeqVector = new Map(
      this.told.slice(0, count).map(({ header: { actor, seq, hash } }) => [actor, { seq, hash }]),
    )
    const sent: Envelope[] = []
    for await (const bytes of this.threads.envelopesAfter(this.thread, have)) sent.push(readEnvelope(mesh, bytes))
    const byHash = (envelopes: Envelope[]) => envelopes.toSorted((a, b) => (a.header.hash < b.header.hash ? -1 : 1))
    expect(byHash(sent)).toEqual(byHash(this.told.slice(count)))
    const startOps = sent.map(({ header }) => header.startOp)
    expect(startOps).toEqual(startOps.toSorted((a, b) => a - b))
  }

  async #receive(count: number, archives: boolean): Promise<void> {
    const { threads: theirs, by } = this.#elsewhere
    await repair(this.threads, theirs)
    for (let i = 0; i < count; i++) {
      const id = `entry-${++this.#number}-elsewhere`
      await theirs.append(this.thread, archives ? by.archive(id) : by.message(id))
    }
    await repair(theirs, this.threads)
  }

  async #open(): Promise<void> {
    this.#state = await openState({ directory: this.#directory })
    this.#threads = await openThreads(optionsFor(this.#state, signerOf(1)))
    this.#threads.subscribe(({ envelope }) => this.told.push(readEnvelope(mesh, envelope)))
  }
}

/** Any order of appending, receiving, archiving, compressing and restarting: the thread shows and sends the same. */
export async function checkSchedules(runs: number): Promise<void> {
  const schedule = fc.array(step, { minLength: 6, maxLength: 20, size: 'max' })
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      const shelf = await Shelf.open()
      for (const each of steps) await shelf.take(each)
      await shelf.check()
      await shelf.restart()
      await shelf.threads.compress(shelf.thread)
      await shelf.check()
      await shelf.close()
    }),
    { numRuns: runs },
  )
}
