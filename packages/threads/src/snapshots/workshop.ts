import { Worker } from 'node:worker_threads'
import type { Answer, Answers, Question } from './questions.ts'

/** What a question ended in instead of an answer: in the words of the worker, or because it had to be ended. */
export class WorkshopError extends Error {
  override readonly name = 'WorkshopError'
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

// Ten thousand entries take two seconds; a busy machine may take ten times that, and what is hostile for ever.
const PATIENCE_MS = 60_000
// The thread's own heap; the CRDT's memory is not in it, and is bounded by what is looked at before.
const MAX_HEAP_MB = 512

/**
 * One worker thread, asked one question at a time by one caller. One that is silent too long or dies is ended, and the next
 * question begins a new one, which knows nothing of what the last one had open.
 */
export class Workshop {
  readonly #patienceMs: number
  #worker: Worker | undefined
  #waiting: Waiting | undefined

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs
  }

  /** So that it is ready when it is asked. */
  warm(): void {
    this.#worker ??= this.#hire()
  }

  /** @throws {WorkshopError} */
  async ask<Q extends Question>(question: Q): Promise<Extract<Answer, { a: Answers[Q['q']] }>> {
    this.warm()
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#waiting = { resolve, reject }
    const timer = setTimeout(() => this.#fire('it took too long'), this.#patienceMs)
    this.#worker?.postMessage(question)
    try {
      const answer = await promise
      if (answer.a === 'failed') throw new WorkshopError(answer.reason)
      return answer as Extract<Answer, { a: Answers[Q['q']] }>
    } finally {
      clearTimeout(timer)
    }
  }

  /** Gives the memory back. Whoever waits is told. */
  async end(): Promise<void> {
    await this.#fire('it was ended')
  }

  #hire(): Worker {
    // the source runs as it is, what was built has another ending
    const file = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    const worker = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB }, stderr: false })
    worker.unref()
    const died = (error: Error): void => {
      if (this.#worker === worker) void this.#fire(`it died: ${error.message}`)
    }
    worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting?.resolve(answer)
    })
    worker.on('error', died)
    worker.on('exit', (code) => died(new Error(`with code ${code}`)))
    return worker
  }

  async #fire(reason: string): Promise<void> {
    const worker = this.#worker
    const waiting = this.#waiting
    this.#worker = undefined
    this.#waiting = undefined
    waiting?.reject(new WorkshopError(reason))
    await worker?.terminate()
  }
}
