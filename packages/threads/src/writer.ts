import { ProtocolError, readEnvelope, sha256, type ThreadId } from '@bzzz/protocols'
import type { Arrival } from './arrival.ts'
import {
  type AppendJob,
  answeredBefore,
  Commit,
  type Desk,
  type Halt,
  type Job,
  type ReceiveJob,
  refuse,
} from './commit.ts'
import { compressRun } from './compress-run.ts'
import type { Written } from './entry-text.ts'
import type { Cut } from './equivocation.ts'
import { ThreadsError } from './errors.ts'
import type { ThreadFact } from './facts.ts'
import { LoadedThread, type Unsettled } from './loaded.ts'
import type { Run } from './log.ts'
import type { Appended, Received } from './port.ts'
import { removalOf } from './removal.ts'
import type { ThreadView, ViewedEntry } from './view.ts'

interface ViewJob extends Job<ThreadView> {
  readonly kind: 'view'
}
/** A run of rows and the chunk that is to stand in for them. */
interface CompressJob extends Job<boolean> {
  readonly run: Run
  readonly chunk: Uint8Array
}
type AnyJob = AppendJob | ReceiveJob | ViewJob

// Bounds the memory of callers who outrun the disk.
const MAX_WAITING_JOBS = 10_000
const MAX_JOBS_PER_COMMIT = 256

/**
 * The one writer of one thread. Whatever arrives while a commit is in flight waits and becomes the next one, so many
 * concurrent appends become few changes, and views show synced entries alone.
 */
export class ThreadWriter {
  readonly #desk: Desk
  readonly #thread: ThreadId
  readonly #jobs: AnyJob[] = []
  /** They wait until there is nothing else to do. */
  readonly #compressJobs: CompressJob[] = []
  #running: Promise<void> | undefined
  #loaded: LoadedThread | undefined
  /** Of the document that is loaded next. */
  #pace: 'together' | 'one by one' = 'together'

  constructor(desk: Desk, thread: ThreadId) {
    this.#desk = desk
    this.#thread = thread
  }

  get isIdle(): boolean {
    return this.#running === undefined
  }

  append(written: Written): Promise<Appended> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'append', written, resolve, reject }))
  }

  receive(arrival: Arrival): Promise<Received> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'receive', arrival, resolve, reject }))
  }

  view(): Promise<ThreadView> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'view', resolve, reject }))
  }

  /** @returns whether it was done: not when the thread is no longer archived, or its log another one */
  compress(run: Run, chunk: Uint8Array): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#compressJobs.push({ run, chunk, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves once nothing is in hand. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** Frees the document; the next job builds it again from the log. Only while idle, or by the writer itself. */
  unload(why: (ThreadFact & { type: 'unloaded' })['why']): void {
    if (this.#loaded === undefined) return
    this.#loaded.free()
    this.#loaded = undefined
    this.#desk.observe({ type: 'unloaded', thread: this.#thread, why })
  }

  #enqueue(job: AnyJob): void {
    if (this.#jobs.length >= MAX_WAITING_JOBS) {
      job.reject(new ThreadsError('BUSY', `${MAX_WAITING_JOBS} jobs of thread ${this.#thread} wait for the disk`))
      return
    }
    this.#jobs.push(job)
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    while (this.#jobs.length + this.#compressJobs.length > 0) {
      await (this.#jobs.length > 0 ? this.#turn() : this.#compress(this.#compressJobs.shift()))
    }
    this.#running = undefined
  }

  async #turn(): Promise<void> {
    let jobs: AnyJob[] = []
    try {
      const loaded = await this.#load()
      jobs = this.#jobs.splice(0, MAX_JOBS_PER_COMMIT)
      await this.#commit(loaded, jobs)
    } catch (error) {
      // Whatever failed, the document may now be ahead of the log; the log is the truth.
      this.unload('spoilt')
      const failed = new Set(jobs.length > 0 ? jobs : this.#jobs.splice(0))
      // some of them may be in the queue again; what was answered with a failure must not be written afterwards
      this.#jobs.splice(0, this.#jobs.length, ...this.#jobs.filter((job) => !failed.has(job)))
      for (const job of failed) job.reject(error)
    }
  }

  async #commit(loaded: LoadedThread, jobs: readonly AnyJob[]): Promise<void> {
    const commit = new Commit(this.#desk, loaded)
    const appends = jobs.filter((job) => job.kind === 'append')
    const waiting = jobs.filter((job) => job.kind === 'receive')
    for (const job of jobs) if (job.kind === 'view') job.resolve(loaded.view())
    for (let job = waiting.shift(); job !== undefined; job = commit.isFull ? undefined : waiting.shift()) {
      const released = commit.receive(job)
      if ('status' in released) {
        this.#jobs.unshift(...commit.unanswered, ...waiting, ...appends)
        return this.#halt(loaded, [job, ...commit.unanswered], released)
      }
      waiting.unshift(...released)
    }
    this.#jobs.unshift(...waiting)
    commit.append(appends)
    const unsettled = commit.settle()
    if (unsettled !== undefined) {
      this.#jobs.unshift(...commit.unanswered, ...appends)
      return this.#goOneByOne(unsettled)
    }
    await commit.finish()
  }

  async #compress(job: CompressJob | undefined): Promise<void> {
    try {
      job?.resolve(await compressRun(this.#desk, job.run, job.chunk))
    } catch (error) {
      job?.reject(error)
    }
  }

  /** The jobs that are not answered wait in the queue; the document is built again before them. */
  async #halt(loaded: LoadedThread, [job, ...staged]: [ReceiveJob, ...ReceiveJob[]], halt: Halt): Promise<void> {
    switch (halt.status) {
      case 'spoilt':
        return this.#spoilt(job, halt)
      case 'cut':
        return this.#cut(loaded, [job, ...staged], halt.cut)
      case 'own actor':
        this.#desk.actors.renew(this.#thread)
        this.unload('spoilt')
        this.#jobs.unshift(job)
        return
      case 'unsettled':
        this.#jobs.unshift(job)
        this.#goOneByOne(halt)
    }
  }

  /** So that exactly those changes are refused that the CRDT fails on, not what came with them. */
  #goOneByOne({ cause }: Unsettled): void {
    this.unload('spoilt')
    this.#pace = 'one by one'
    this.#desk.observe({ type: 'retried', thread: this.#thread, cause })
  }

  async #spoilt(job: ReceiveJob, spoilt: Halt & { readonly status: 'spoilt' }): Promise<void> {
    const { quarantine, catalog, write } = this.#desk
    const { header, bytes: envelope } = job.arrival
    this.unload('spoilt')
    if (catalog.has(this.#thread)) {
      const row = { hash: header.hash, reason: spoilt.code, beatenBy: '', envelope }
      await write(await quarantine.put(this.#thread, [row], catalog.cuts(this.#thread)))
    }
    refuse(this.#desk, job, spoilt)
  }

  /** Takes out of the log what does not stand any more, and appends again what this node itself wrote of it: one write. */
  async #cut(loaded: LoadedThread, [job, ...staged]: [ReceiveJob, ...ReceiveJob[]], cut: Cut): Promise<void> {
    const { actors, signer } = this.#desk
    const clash = { arrival: job.arrival, staged: staged.map(({ arrival }) => arrival), cut }
    const removal = await removalOf(this.#desk, loaded, await this.#readLog(), clash)
    this.unload('spoilt')
    const touched = [job.arrival, ...removal.lostChanges].map(({ header }) => header.actor)
    if (touched.includes(actors.of(this.#thread))) actors.renew(this.#thread)
    const rebuilt = new LoadedThread(this.#thread, actors.of(this.#thread), removal.kept, undefined, 'one by one')
    try {
      const commit = new Commit(this.#desk, rebuilt, removal)
      commit.append(removal.lost.filter(({ peer }) => peer === signer.peer).map(appendedAgain))
      commit.settle()
      await commit.finish()
    } finally {
      rebuilt.free()
    }
    this.#jobs.unshift(job) // it is beaten, or now it has the place to itself
  }

  async #load(): Promise<LoadedThread> {
    const refused = this.#desk.refusal()
    if (refused !== undefined) throw refused
    if (this.#loaded !== undefined) return this.#loaded
    const { actors, catalog, quarantine, observe } = this.#desk
    const envelopes = await this.#readLog()
    const cuts = catalog.cuts(this.#thread)
    const barred = { cuts, hashes: await quarantine.barred(this.#thread, cuts) }
    const loaded = new LoadedThread(this.#thread, actors.of(this.#thread), envelopes, barred, this.#pace)
    this.#pace = 'together'
    for (const { hash } of cuts.values()) {
      if (!loaded.includes(hash) && !barred.hashes.has(hash)) await this.#offerAgain(hash)
    }
    this.#loaded = loaded
    observe({ type: 'loaded', thread: this.#thread, changes: envelopes.length })
    return loaded
  }

  /** Where an actor ends, but its causes had not come when that was found. */
  async #offerAgain(hash: string): Promise<void> {
    if (this.#jobs.some((job) => job.kind === 'receive' && job.arrival.header.hash === hash)) return
    const row = await this.#desk.quarantine.get(this.#thread, hash)
    if (row !== undefined) this.#jobs.unshift(answeredBefore(this.#read(row.envelope)))
  }

  #read(bytes: Uint8Array): Arrival {
    return { ...readEnvelope(this.#desk.mesh, bytes), bytes }
  }

  async #readLog(): Promise<Arrival[]> {
    const envelopes: Arrival[] = []
    try {
      for await (const bytes of this.#desk.log.all(this.#thread)) envelopes.push(this.#read(bytes))
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      throw new ThreadsError('LOG_DAMAGED', `the log of thread ${this.#thread} is damaged`, { cause })
    }
    return envelopes
  }
}

/** What a laptop wrote gets an id that nobody could foretell: under its own it could stand in the way of a turn. */
function appendedAgain({ entry, actor, laptop }: ViewedEntry): AppendJob {
  const id = laptop ? Buffer.from(sha256('bzzz/laptop-again/1\0', actor, entry.id)).toString('hex') : entry.id
  const again = { ...entry, id }
  const written = { entry: again, text: JSON.stringify(again) }
  return { kind: 'append', written, resolve: () => {}, reject: () => {} }
}
