import { type Frame, type PeerId, ProtocolError } from '@bzzz/protocols'
import type { Frames } from './frames.ts'

/** A question or its answer: they share a number. */
export type Question = Extract<Frame, { t: 'vectors' | 'next' | 'openings' | 'snapshots' | 'blob-want' | 'grant-ask' }>
export type Answer = Extract<Frame, { t: 'page' | 'offers' | 'blob-part' | 'grant-answer' }>
/** What a link hands on: all but what keeps the link itself going. */
export type Word = Exclude<Frame, { t: 'hello' | 'ping' | 'pong' | Answer['t'] }>

type Unnumbered<F> = F extends { n: number } ? Omit<F, 'n'> : never

export interface LinkOptions {
  readonly peer: PeerId
  readonly direction: 'dialled' | 'accepted'
  readonly address: string
  readonly frames: Frames
  /** Ends the connection below. */
  readonly abort: (error: Error) => void
  readonly pingMs: number
  readonly answerMs: number
  readonly now: () => number
  readonly onRefused: (error: ProtocolError) => void
}

/** Thrown to those who wait for an answer on a link that ended or stayed silent. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
}

const MISSES_ALLOWED = 2

/**
 * The one long-lived stream to a peer, after its hellos: keeps itself alive with pings, matches answers with questions,
 * hands on everything else. It ends with its connection, by {@link Link.close}, by a bad frame, or by silence.
 */
export class Link {
  readonly peer: PeerId
  readonly direction: 'dialled' | 'accepted'
  readonly address: string
  /** Monotonic milliseconds. */
  readonly openedAt = performance.now()
  /** Resolves with the first frame after the hello: then the peer, too, has taken this link for good. */
  readonly heard: Promise<void>
  /** Resolves with the reason in words. */
  readonly closed: Promise<string>
  latencyMs: number | null = null
  lastSeenMs: number

  readonly #options: LinkOptions
  readonly #ended = new AbortController()
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  readonly #pinger: NodeJS.Timeout
  readonly #resolveHeard: () => void
  readonly #resolveClosed: (reason: string) => void
  #isDeaf = false
  #lastQuestion = 0
  #misses = 0
  #lookedAt = performance.now()
  #pinged = { n: 0, at: 0 }

  constructor(options: LinkOptions) {
    this.#options = options
    this.peer = options.peer
    this.direction = options.direction
    this.address = options.address
    this.lastSeenMs = options.now()
    const heard = Promise.withResolvers<void>()
    this.heard = heard.promise
    this.#resolveHeard = heard.resolve
    const closed = Promise.withResolvers<string>()
    this.closed = closed.promise
    this.#resolveClosed = closed.resolve
    this.#pinger = setInterval(() => this.#ping(), options.pingMs)
  }

  /** What the peer still says is read and dropped from here on: the link ends soon, and is no fault of its. */
  deafen(): void {
    this.#isDeaf = true
  }

  /** Begins to read. @param take gets the words in order, one at a time; what it rejects with ends the link */
  listen(take: (word: Word) => Promise<void>): void {
    void this.#read(take)
    this.#ping()
  }

  get open(): boolean {
    return !this.#ended.signal.aborted
  }

  /** Aborts when the link ends. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** True while the peer does not take more. */
  get blocked(): boolean {
    return this.#options.frames.blocked
  }

  /** Resolves once the stream takes more, with false when the link has ended instead. */
  async tell(frame: Frame): Promise<boolean> {
    if (!this.open) return false
    try {
      await this.#options.frames.write(frame, { signal: this.#ended.signal })
      return true
    } catch (error) {
      this.close(endOf(error))
      return false
    }
  }

  /** @throws {LinkError} when the link ended or no answer came in time, or the signal's reason */
  async ask(question: Unnumbered<Question>, signal: AbortSignal): Promise<Answer> {
    const n = ++this.#lastQuestion
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const timer = setTimeout(() => reject(new LinkError(`${this.peer} did not answer`)), this.#options.answerMs)
    const giveUp = (): void => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#waiting.set(n, { resolve, reject })
    if (signal.aborted) giveUp()
    else void this.tell({ ...question, n } as Question).then((told) => told || reject(new LinkError('hung up')))
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      this.#waiting.delete(n)
    }
  }

  /** Ends the link and its connection. The first reason counts. */
  close(reason: string): void {
    if (!this.open) return
    clearInterval(this.#pinger)
    const error = new LinkError(reason)
    this.#ended.abort(error)
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#options.abort(error)
    this.#resolveClosed(reason)
  }

  async #read(take: (word: Word) => Promise<void>): Promise<void> {
    try {
      while (this.open) await this.#take(await this.#options.frames.read({ signal: this.#ended.signal }), take)
    } catch (error) {
      if (error instanceof ProtocolError && this.open) this.#options.onRefused(error)
      this.close(endOf(error))
    }
  }

  async #take(frame: Frame, take: (word: Word) => Promise<void>): Promise<void> {
    this.#resolveHeard()
    this.lastSeenMs = this.#options.now()
    switch (frame.t) {
      case 'hello':
        throw new ProtocolError('BAD_SHAPE', 'a second hello')
      case 'ping':
        // whoever is blocked hears from us by what is under way to it
        if (!this.blocked) void this.tell({ t: 'pong', n: frame.n })
        return
      case 'pong':
        if (frame.n === this.#pinged.n) this.latencyMs = performance.now() - this.#pinged.at
        return
      case 'page':
      case 'offers':
      case 'blob-part':
      case 'grant-answer':
        return this.#answer(frame)
      default:
        return this.#isDeaf ? undefined : take(frame)
    }
  }

  /** An answer that nobody waits for any more came too late, and is dropped. */
  #answer(answer: Answer): void {
    this.#waiting.get(answer.n)?.resolve(answer)
  }

  #ping(): void {
    if (this.#options.frames.heardAt > this.#lookedAt) this.#misses = 0
    this.#lookedAt = performance.now()
    if (this.#misses >= MISSES_ALLOWED) {
      this.close(`silent: ${MISSES_ALLOWED} pings without an answer`)
      return
    }
    this.#misses++
    if (this.blocked) return
    this.#pinged = { n: this.#pinged.n + 1, at: performance.now() }
    void this.tell({ t: 'ping', n: this.#pinged.n })
  }
}

const END_OF_STREAM = new Set(['UnexpectedEOFError', 'StreamResetError', 'StreamClosedError', 'StreamStateError'])

/** Why a stream ended, in words. One that ends while a write waits for room throws an event instead of an error. */
function endOf(error: unknown): string {
  if (error instanceof ProtocolError) return `sent a bad frame: ${error.message}`
  if (!(error instanceof Error) || END_OF_STREAM.has(error.name)) return 'hung up'
  return `the connection broke: ${error.message}`
}
