import { type Frame, MAX_DIGEST_THREADS, type ThreadId, threadIdBytes } from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { Link } from '../link/link.ts'
import type { ThreadsPort } from '../threads-port.ts'

export interface RoundsOptions {
  readonly threads: Pick<ThreadsPort, 'digest'>
  readonly links: () => readonly Link[]
  /** Of its project; zeros while that is not known. */
  readonly tagOf: (thread: ThreadId) => Uint8Array
  /** What else a peer should know, told before the digest. */
  readonly tellFirst: (link: Link) => void
  readonly everyMs: number
  readonly observe: Observe
}

/**
 * Tells each peer from time to time what this node has; the peers then ask for what they lack. A call while a round is
 * under way makes one more round afterwards, however many there were.
 */
export class Rounds {
  readonly #options: RoundsOptions
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.sync(), options.everyMs)
  }

  sync(): void {
    if (this.#closed) return
    this.#again = true
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      await this.#round()
    }
    this.#running = undefined
  }

  async #round(): Promise<void> {
    try {
      const frames = digestFrames(await this.#options.threads.digest(), this.#options.tagOf)
      for (const link of this.#options.links()) {
        this.#options.tellFirst(link)
        tellAll(link, frames)
      }
    } catch (error) {
      // the port rejects only when the store does; the next round tries again
      this.#options.observe({ type: 'repair-failed', peer: null, error })
    }
  }
}

/** Waits for nobody: a peer that does not take more hears the rest in the next round. */
function tellAll(link: Link, frames: readonly Frame[]): void {
  for (const frame of frames) if (!link.blocked) void link.tell(frame)
}

function digestFrames(digest: ReadonlyMap<ThreadId, Uint8Array>, tagOf: RoundsOptions['tagOf']): Frame[] {
  const threads = [...digest].map(([thread, hash]): Extract<Frame, { t: 'digest' }>['threads'][number] => [
    Uint8Array.from(threadIdBytes(thread)),
    Uint8Array.from(hash),
    Uint8Array.from(tagOf(thread)),
  ])
  const frames: Frame[] = []
  for (let at = 0; at < threads.length; at += MAX_DIGEST_THREADS) {
    frames.push({ t: 'digest', threads: threads.slice(at, at + MAX_DIGEST_THREADS) })
  }
  return frames
}
