import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { MeshId } from '@bzzz/protocols'
import type { Answer, CallName, Calls, WorkerSettings } from './calls.ts'

export type WorkerErrorCode = 'FAULT' | 'FAILED' | 'HUNG' | 'DIED' | 'CLOSED'

export class WorkerError extends Error {
  override readonly name = 'WorkerError'
  readonly code: WorkerErrorCode

  constructor(code: WorkerErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface HostOptions {
  readonly mesh: MeshId
  /** What one call may take. */
  readonly callMs: number
  readonly onRestart: (why: 'hung' | 'died') => void
}

interface Pending {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: WorkerError) => void
}

const FILE = join(import.meta.dirname, `worker${extname(import.meta.filename)}`)
const FROM_SOURCE = extname(FILE) === '.ts'
/** Of the JavaScript heap alone; what Automerge takes is outside of it. */
const MAX_HEAP_MB = 512
// The start alone takes most of a second on a busy machine; a log of ten thousand entries is read in one or two.
const SLOW_MS = 30_000

/**
 * The replicas' thread, begun with the first call. Calls are made one at a time, so a call that takes too long is the one
 * that blocks: the thread is ended, and the next call begins another, which knows nothing.
 */
export class WorkerHost {
  readonly #options: HostOptions
  #worker: Worker | undefined
  #pending: Pending | undefined
  #line: Promise<unknown> = Promise.resolve()
  #generation = 0
  #closed = false

  constructor(options: HostOptions) {
    this.#options = options
  }

  /** Another number after each restart: whatever was opened before is gone. */
  get generation(): number {
    return this.#generation
  }

  /** @throws {WorkerError} */
  call<N extends CallName>(name: N, ...args: Parameters<Calls[N]>): Promise<ReturnType<Calls[N]>> {
    const result = this.#line.then(() => this.#call(name, args))
    this.#line = result.catch(() => {}) // told to the caller
    return result as Promise<ReturnType<Calls[N]>>
  }

  /** Gives back all that the thread holds, once the calls in hand are done. The next call begins another. */
  async rest(): Promise<void> {
    const ended = this.#line.then(() => this.#end())
    this.#line = ended
    await ended
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#pending?.reject(new WorkerError('CLOSED', 'the door for laptops is closed'))
    await this.#end()
  }

  async #call(name: CallName, args: readonly unknown[]): Promise<unknown> {
    if (this.#closed) throw new WorkerError('CLOSED', 'the door for laptops is closed')
    if (this.#worker === undefined) await this.#answer(SLOW_MS, () => this.#begin())
    const limitMs = name === 'open' ? SLOW_MS : this.#options.callMs
    const answer = await this.#answer(limitMs, () => this.#worker?.postMessage({ name, args }))
    if (answer.status === 'done') return answer.value
    throw new WorkerError(answer.status === 'fault' ? 'FAULT' : 'FAILED', answer.reason)
  }

  /** The next thing that the worker says: it says one for its start, and one for each call. */
  async #answer(limitMs: number, ask: () => void): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#pending = { resolve, reject }
    const timer = setTimeout(() => this.#lose('hung'), limitMs)
    ask()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#pending = undefined
    }
  }

  #begin(): void {
    const settings: WorkerSettings = { mesh: this.#options.mesh }
    const worker = new Worker(FILE, {
      workerData: settings,
      execArgv: FROM_SOURCE ? ['--conditions=bzzz-src'] : [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    worker.unref()
    worker.on('message', (answer: Answer) => {
      if (this.#worker === worker) this.#pending?.resolve(answer)
    })
    const died = () => {
      if (this.#worker === worker) this.#lose('died')
    }
    worker.on('error', died).on('exit', died)
    this.#worker = worker
  }

  #lose(why: 'hung' | 'died'): void {
    void this.#end()
    const words = why === 'hung' ? 'it took too long' : 'the thread for it ended'
    this.#pending?.reject(new WorkerError(why === 'hung' ? 'HUNG' : 'DIED', words))
    this.#options.onRestart(why)
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#generation++
    await worker?.terminate()
  }
}
