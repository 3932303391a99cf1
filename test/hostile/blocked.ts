import { monitorEventLoopDelay } from 'node:perf_hooks'

/** For how long, at most, nothing else could run in this process. */
export interface Block {
  /** By the clock: grows with whatever else the machine does. */
  readonly wallMs: number
  /** Processor time of this thread between two turns of the event loop. */
  readonly cpuMs: number
}

const RESOLUTION_MS = 1

export async function longestBlock(work: () => Promise<void>): Promise<Block> {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const turns = watchTurns()
  delays.enable()
  try {
    await work()
    await turns.next() // what the monitor itself needs to see the last block
  } finally {
    delays.disable()
    turns.stop()
  }
  return { wallMs: Math.max(0, delays.max / 1e6 - RESOLUTION_MS), cpuMs: turns.longestMs }
}

function watchTurns() {
  let last = cpuMs()
  let longestMs = 0
  let turned = Promise.withResolvers<void>()
  const timer = setInterval(() => {
    const now = cpuMs()
    longestMs = Math.max(longestMs, now - last)
    last = now
    turned.resolve()
    turned = Promise.withResolvers()
  }, RESOLUTION_MS)
  return {
    next: () => turned.promise,
    stop: () => clearInterval(timer),
    get longestMs() {
      return longestMs
    },
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
