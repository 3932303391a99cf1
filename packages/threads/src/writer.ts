import { type Envelope, ProtocolError, readEnvelope, type ThreadId } from '@bzzz/protocols'
import type { Arrival } from './arrival.ts'
import { type AppendJob, Commit, type Desk, type Job, type ReceiveJob } from './commit.ts'
import { ThreadsError } from './errors.ts'
import type { ThreadFact } from './facts.ts'
import { LoadedThread } from './loaded.ts'
import type { Appended, Received } from './port.ts'
import type { ThreadView } from './view.ts'

interface ViewJob extends Job<ThreadView> {
  readonly kind: 'view'
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
  #running: Promise<void> | undefined
  #loaded: LoadedThread | undefined

  constructor(desk: Desk, thread: ThreadId) {
    this.#desk = desk
    this.#thread = thread
  }

  get isIdle(): boolean {
    return this.#running === undefined
  }

  append(id: string, text: string): Promise<Appended> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'append', id, text, resolve, reject }))
  }

  receive(arrival: Arrival): Promise<Received> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'receive', arrival, resolve, reject }))
  }

  view(): Promise<ThreadView> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'view', resolve, reject }))
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
    while (this.#jobs.length > 0) await this.#turn()
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
      for (const job of jobs.length > 0 ? jobs : this.#jobs.splice(0)) job.reject(error)
    }
  }

  async #commit(loaded: LoadedThread, jobs: readonly AnyJob[]): Promise<void> {
    const commit = new Commit(this.#desk, loaded)
    const appends = jobs.filter((job) => job.kind === 'append')
    const waiting = jobs.filter((job) => job.kind === 'receive')
    for (const job of jobs) if (job.kind === 'view') job.resolve(loaded.view())
    for (let job = waiting.shift(); job !== undefined; job = commit.isFull ? undefined : waiting.shift()) {
      const released = commit.receive(job)
      if (released === 'spoilt') return this.#startAgain([...commit.unanswered, ...waiting, ...appends])
      waiting.unshift(...released)
    }
    this.#jobs.unshift(...waiting)
    commit.append(appends)
    await commit.finish()
  }

  #startAgain(jobs: readonly AnyJob[]): void {
    this.unload('spoilt')
    this.#jobs.unshift(...jobs)
  }

  async #load(): Promise<LoadedThread> {
    const refused = this.#desk.refusal()
    if (refused !== undefined) throw refused
    if (this.#loaded !== undefined) return this.#loaded
    const envelopes = await this.#readLog()
    this.#loaded = new LoadedThread(this.#thread, this.#desk.actor, envelopes)
    this.#desk.observe({ type: 'loaded', thread: this.#thread, changes: envelopes.length })
    return this.#loaded
  }

  async #readLog(): Promise<Envelope[]> {
    const envelopes: Envelope[] = []
    try {
      for await (const bytes of this.#desk.log.all(this.#thread)) envelopes.push(readEnvelope(this.#desk.mesh, bytes))
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      throw new ThreadsError('LOG_DAMAGED', `the log of thread ${this.#thread} is damaged`, { cause })
    }
    return envelopes
  }
}
