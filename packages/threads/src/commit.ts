import { MAX_ENTRY_BYTES, type MeshId, type Signer, sealEnvelope } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import type { Arrival } from './arrival.ts'
import type { Catalog } from './catalog.ts'
import type { ThreadsError } from './errors.ts'
import { refusals, type ThreadFact } from './facts.ts'
import type { Admission, Brought, LoadedThread } from './loaded.ts'
import type { ChangeLog, Logged } from './log.ts'
import type { Orphans } from './orphans.ts'
import type { Appended, Received, ThreadEvent } from './port.ts'

/** What the writers of all threads share. */
export interface Desk {
  readonly mesh: MeshId
  readonly signer: Signer
  /** Of this opening of the store, hexadecimal. */
  readonly actor: string
  readonly log: ChangeLog
  readonly catalog: Catalog
  readonly orphans: Orphans
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly observe: (fact: ThreadFact) => void
  readonly publish: (event: ThreadEvent) => void
  /** Resolves once synced; a failure freezes everything. @throws {ThreadsError} FROZEN */
  readonly write: (operations: readonly Operation[]) => Promise<void>
  /** Set once a write has failed. */
  readonly refusal: () => ThreadsError | undefined
}

export interface Job<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export interface AppendJob extends Job<Appended> {
  readonly kind: 'append'
  readonly id: string
  /** The entry in JSON. */
  readonly text: string
}

export interface ReceiveJob extends Job<Received> {
  readonly kind: 'receive'
  readonly arrival: Arrival
}

interface Staged extends Logged {
  readonly own: boolean
  readonly brought: Brought
}

type Refused = Extract<Admission, { status: 'refused' | 'spoilt' }> & { readonly cause?: unknown }

// How long one commit may hold up the event loop and those who wait for it: about a fifth of a millisecond per change.
const MAX_RECEIVED_CHANGES = 256
// With signature and framing this stays below what gossip carries, unless one entry alone is larger.
const MAX_CHANGE_TEXT_BYTES = MAX_ENTRY_BYTES

/** One commit of one thread in the making: staged in memory, then written at once, then told to everybody. */
export class Commit {
  readonly #desk: Desk
  readonly #loaded: LoadedThread
  readonly #startedMs: number
  readonly #staged: Staged[] = []
  readonly #received: { job: ReceiveJob; status: 'applied' | 'repeat' }[] = []
  readonly #appended: { job: AppendJob; repeated: boolean }[] = []

  constructor(desk: Desk, loaded: LoadedThread) {
    this.#desk = desk
    this.#loaded = loaded
    this.#startedMs = desk.now()
  }

  get isFull(): boolean {
    return this.#staged.length >= MAX_RECEIVED_CHANGES
  }

  /** Received so far and not answered yet: what must be staged again if the loaded thread is spoilt. */
  get unanswered(): ReceiveJob[] {
    return this.#received.map(({ job }) => job)
  }

  /** @returns the orphans that this change set free, or 'spoilt' if the loaded thread must be thrown away */
  receive(job: ReceiveJob): readonly ReceiveJob[] | 'spoilt' {
    const admission = this.#loaded.admit(job.arrival)
    switch (admission.status) {
      case 'applied':
        return this.#applied(job, admission.brought)
      case 'repeat':
        this.#received.push({ job, status: 'repeat' })
        return []
      case 'missing':
        this.#hold(job, admission.dep)
        return []
      case 'refused':
      case 'spoilt':
        this.#refuse(job, admission)
        return admission.status === 'spoilt' ? 'spoilt' : []
    }
  }

  /** As few changes as pages and sizes allow. */
  append(jobs: readonly AppendJob[]): void {
    const { peer } = this.#desk.signer
    const fresh = new Map<string, AppendJob>()
    for (const job of jobs) if (!this.#loaded.has(peer, job.id) && !fresh.has(job.id)) fresh.set(job.id, job)
    this.#appended.push(...jobs.map((job) => ({ job, repeated: fresh.get(job.id) !== job })))
    for (let rest = [...fresh.values()]; rest.length > 0; ) {
      const size = fitting(rest, this.#loaded.room)
      this.#sign(rest.slice(0, size))
      rest = rest.slice(size)
    }
  }

  /** Writes what is staged, then answers and tells. @throws {ThreadsError} FROZEN: nothing was told */
  async finish(): Promise<void> {
    if (this.#staged.length > 0) await this.#write()
    const { thread, heads } = this.#loaded
    for (const { job, status } of this.#received) job.resolve({ status, thread, author: job.arrival.author })
    for (const { job, repeated } of this.#appended) job.resolve({ thread, id: job.id, repeated, heads })
    for (const { own, bytes, brought } of this.#staged) {
      for (const reason of brought.hidden) this.#desk.observe({ type: 'hidden', thread, reason })
      this.#desk.publish({ thread, own, envelope: bytes, entries: brought.shown, heads })
    }
  }

  async #write(): Promise<void> {
    const { log, catalog, now, observe, write } = this.#desk
    const { thread } = this.#loaded
    const bytes = this.#staged.reduce((sum, change) => sum + change.bytes.length, 0)
    const summary = this.#loaded.summary(catalog.bytes(thread) + bytes)
    const changes = this.#staged.map((change) => log.put(thread, change))
    await write([...changes, ...catalog.operations(summary, this.#staged)])
    catalog.commit(summary, this.#staged)
    const own = this.#staged.filter((change) => change.own).length
    const entries = this.#staged.reduce((sum, { brought }) => sum + brought.shown.length, 0)
    const received = this.#staged.length - own
    observe({ type: 'committed', thread, own, received, entries, bytes, tookMs: now() - this.#startedMs })
  }

  #sign(jobs: readonly AppendJob[]): void {
    const { mesh, signer } = this.#desk
    const texts = jobs.map(({ text }) => text)
    const { change, header, brought } = this.#loaded.append(signer.peer, texts)
    const bytes = sealEnvelope(mesh, this.#loaded.thread, change, signer)
    this.#staged.push({ actor: header.actor, seq: header.seq, bytes, own: true, brought })
  }

  #applied(job: ReceiveJob, brought: Brought): ReceiveJob[] {
    const { thread, header, bytes } = job.arrival
    this.#received.push({ job, status: 'applied' })
    this.#staged.push({ actor: header.actor, seq: header.seq, bytes, own: false, brought })
    return this.#desk.orphans.release(thread, header.hash).map(answeredBefore)
  }

  #hold(job: ReceiveJob, cause: string): void {
    const { thread, author } = job.arrival
    const { orphans, observe } = this.#desk
    const dropped = orphans.hold(job.arrival, cause)
    observe({ type: 'held', thread, author, buffered: orphans.size, dropped })
    job.resolve({ status: 'held', thread, author })
  }

  #refuse(job: ReceiveJob, { code, cause }: Refused): void {
    const { thread, author, header } = job.arrival
    const reason = `change ${header.hash.slice(0, 12)} (seq ${header.seq}) of thread ${thread}: ${refusals[code]}`
    this.#desk.observe({ type: 'refused', code, reason, thread, author, cause })
    job.resolve({ status: 'refused', code, reason, author })
  }
}

/** A job for an orphan, whose sender was told long ago that it is held. */
function answeredBefore(arrival: Arrival): ReceiveJob {
  return { kind: 'receive', arrival, resolve: () => {}, reject: () => {} }
}

/** How many of the jobs, at least one, go into one change. */
function fitting(jobs: readonly AppendJob[], room: number): number {
  let bytes = 0
  const end = jobs.findIndex(({ text }, i) => {
    bytes += Buffer.byteLength(text)
    return i > 0 && (i >= room || bytes > MAX_CHANGE_TEXT_BYTES)
  })
  return end === -1 ? jobs.length : end
}
