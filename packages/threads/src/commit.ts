import { MAX_ENTRY_BYTES, type MeshId, type Signer, sealInspected } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import type { Arrival } from './arrival.ts'
import type { Catalog } from './catalog.ts'
import type { Written } from './entry-text.ts'
import type { ThreadsError } from './errors.ts'
import { refusals, type ThreadFact } from './facts.ts'
import type { Admission, Brought, LoadedThread, Unsettled } from './loaded.ts'
import type { ChangeLog, Logged } from './log.ts'
import type { Orphans } from './orphans.ts'
import type { OwnActors } from './own-actors.ts'
import type { Appended, DocumentEvent, Received } from './port.ts'
import type { Quarantine } from './quarantine.ts'
import { loggedOf, type Removal } from './removal.ts'
import type { ThreadSummary } from './summary.ts'

/** What the writers of all threads share. */
export interface Desk {
  readonly mesh: MeshId
  readonly signer: Signer
  readonly actors: OwnActors
  readonly log: ChangeLog
  readonly quarantine: Quarantine
  readonly catalog: Catalog
  readonly orphans: Orphans
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly observe: (fact: ThreadFact) => void
  readonly publish: (event: DocumentEvent) => void
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
  readonly written: Written
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

/** Why a commit cannot go on: the loaded thread is not what it has to be from now on. */
export type Halt = Extract<Admission, { status: 'spoilt' | 'cut' | 'own actor' | 'unsettled' }>

// How long one commit may hold up the event loop and those who wait for it: about a tenth of a millisecond per change.
const MAX_RECEIVED_CHANGES = 256
// With signature and framing this stays below what gossip carries, unless one entry alone is larger.
const MAX_CHANGE_TEXT_BYTES = MAX_ENTRY_BYTES

/** One commit of one thread in the making: staged in memory, then written at once, then told to everybody. */
export class Commit {
  readonly #desk: Desk
  readonly #loaded: LoadedThread
  readonly #removal: Removal | undefined
  readonly #startedMs: number
  readonly #staged: Staged[] = []
  readonly #received: { job: ReceiveJob; status: 'applied' | 'repeat' | 'lost' }[] = []
  readonly #appended: { job: AppendJob; repeated: boolean }[] = []

  /** @param removal what goes in the same write; `loaded` is without it already */
  constructor(desk: Desk, loaded: LoadedThread, removal?: Removal) {
    this.#desk = desk
    this.#loaded = loaded
    this.#removal = removal
    this.#startedMs = desk.now()
  }

  get isFull(): boolean {
    return this.#staged.length >= MAX_RECEIVED_CHANGES
  }

  /** Received so far and not answered yet: what must be staged again after a halt. */
  get unanswered(): ReceiveJob[] {
    return this.#received.map(({ job }) => job)
  }

  /** @returns the orphans that this change set free, or why this commit must be given up */
  receive(job: ReceiveJob): readonly ReceiveJob[] | Halt {
    const admission = this.#loaded.admit(job.arrival)
    switch (admission.status) {
      case 'applied':
        return this.#applied(job, admission.brought)
      case 'repeat':
      case 'lost':
        this.#received.push({ job, status: admission.status })
        return []
      case 'missing':
        this.#hold(job, admission.dep)
        return []
      case 'refused':
        refuse(this.#desk, job, admission)
        return []
      default:
        return admission
    }
  }

  /** To be asked once all is staged. @returns why this commit must be given up */
  settle(): Unsettled | undefined {
    return this.#loaded.settle()
  }

  /** As few changes as pages and sizes allow. */
  append(jobs: readonly AppendJob[]): void {
    const { peer } = this.#desk.signer
    const fresh = new Map<string, AppendJob>()
    for (const job of jobs) if (!this.#loaded.has(peer, idOf(job)) && !fresh.has(idOf(job))) fresh.set(idOf(job), job)
    this.#appended.push(...jobs.map((job) => ({ job, repeated: fresh.get(idOf(job)) !== job })))
    for (let rest = [...fresh.values()]; rest.length > 0; ) {
      const size = fitting(rest, this.#loaded.room)
      this.#sign(rest.slice(0, size))
      rest = rest.slice(size)
    }
  }

  /** Writes what is staged, then answers and tells. @throws {ThreadsError} FROZEN: nothing was told */
  async finish(): Promise<void> {
    if (this.#staged.length > 0 || this.#removal !== undefined) await this.#write()
    const { thread, heads } = this.#loaded
    for (const { job, status } of this.#received) job.resolve({ status, thread, author: job.arrival.author })
    for (const { job, repeated } of this.#appended) job.resolve({ thread, id: idOf(job), repeated, heads })
    if (this.#removal !== undefined) this.#tell(this.#removal)
    for (const { own, bytes, brought } of this.#staged) {
      for (const reason of brought.hidden) this.#desk.observe({ type: 'hidden', thread, reason })
      this.#desk.publish({ thread, own, envelope: bytes, entries: brought.shown, lost: [], heads })
    }
  }

  async #write(): Promise<void> {
    const { log, catalog, now, observe, write } = this.#desk
    const { thread } = this.#loaded
    const bytes = bytesOf(this.#staged)
    const summary = this.#loaded.summary(this.#sizeWith(bytes))
    const changes = this.#staged.map((change) => log.put(thread, change))
    if (this.#removal === undefined) {
      await write([...changes, ...catalog.operations(summary, this.#staged)])
      catalog.commit(summary, this.#staged)
    } else {
      const { operations, kept, cuts } = this.#removal
      const all = [...kept.map(loggedOf), ...this.#staged]
      await write([...operations, ...changes, ...catalog.replaceOperations(summary, all, cuts)])
      catalog.replace(summary, all, cuts)
    }
    const own = this.#staged.filter((change) => change.own).length
    const entries = this.#staged.reduce((sum, { brought }) => sum + brought.shown.length, 0)
    const received = this.#staged.length - own
    observe({ type: 'committed', thread, own, received, entries, bytes, tookMs: now() - this.#startedMs })
  }

  /** Of the log with so many bytes more. A removal leaves no chunks. */
  #sizeWith(bytes: number): Pick<ThreadSummary, 'bytes' | 'storedBytes'> {
    if (this.#removal === undefined) {
      const { bytes: before = 0, storedBytes = 0 } = this.#desk.catalog.summary(this.#loaded.thread) ?? {}
      return { bytes: before + bytes, storedBytes: storedBytes + bytes }
    }
    const kept = bytesOf(this.#removal.kept)
    return { bytes: kept + bytes, storedBytes: kept + bytes }
  }

  #tell({ arrival, cut, lostChanges, lost }: Removal): void {
    const { thread, author } = arrival
    const again = this.#appended.length
    const { actor } = arrival.header
    this.#desk.observe({ type: 'cut', thread, author, actor, seq: cut.seq, lost: lostChanges.length, again })
    this.#desk.publish({
      thread,
      own: false,
      envelope: arrival.bytes,
      entries: [],
      lost,
      heads: this.#loaded.heads,
    })
  }

  #sign(jobs: readonly AppendJob[]): void {
    const { mesh, signer } = this.#desk
    const entries = jobs.map(({ written }) => written)
    const { change, header, brought } = this.#loaded.append(signer.peer, entries)
    const bytes = sealInspected(mesh, this.#loaded.thread, { change, hash: header.hash }, signer)
    this.#staged.push({ ...header, bytes, own: true, brought })
  }

  #applied(job: ReceiveJob, brought: Brought): ReceiveJob[] {
    const { thread, header } = job.arrival
    this.#received.push({ job, status: 'applied' })
    this.#staged.push({ ...loggedOf(job.arrival), own: false, brought })
    return this.#desk.orphans.release(thread, header.hash).map(answeredBefore)
  }

  #hold(job: ReceiveJob, cause: string): void {
    const { thread, author } = job.arrival
    const { orphans, observe } = this.#desk
    const dropped = orphans.hold(job.arrival, cause)
    observe({ type: 'held', thread, author, buffered: orphans.size, dropped })
    job.resolve({ status: 'held', thread, author })
  }
}

export function refuse({ observe }: Desk, job: ReceiveJob, { code, cause }: Refused): void {
  const { thread, author, header } = job.arrival
  const reason = `change ${header.hash.slice(0, 12)} (seq ${header.seq}) of thread ${thread}: ${refusals[code]}`
  observe({ type: 'refused', code, reason, thread, author, cause })
  job.resolve({ status: 'refused', code, reason, author })
}

/** A job for what came long ago, and whose sender was answered then. */
export function answeredBefore(arrival: Arrival): ReceiveJob {
  return { kind: 'receive', arrival, resolve: () => {}, reject: () => {} }
}

/** How many of the jobs, at least one, go into one change. */
function fitting(jobs: readonly AppendJob[], room: number): number {
  let bytes = 0
  const end = jobs.findIndex(({ written }, i) => {
    bytes += Buffer.byteLength(written.text)
    return i > 0 && (i >= room || bytes > MAX_CHANGE_TEXT_BYTES)
  })
  return end === -1 ? jobs.length : end
}

function idOf({ written }: AppendJob): string {
  return written.entry.id
}

function bytesOf(changes: readonly { readonly bytes: Uint8Array }[]): number {
  return changes.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
