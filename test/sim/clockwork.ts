/** Time of a simulation: nothing happens between two appointments, and none takes any. */
export interface Clockwork {
  readonly nowMs: number
  at(ms: number, action: () => void): void
  after(delayMs: number, action: () => void): void
  /** Keeps all appointments up to this time; what was awaited by the code under test goes on before the next one. */
  runUntil(ms: number): Promise<void>
}

interface Appointment {
  readonly ms: number
  /** Settles ties: the one that was made first. */
  readonly number: number
  readonly action: () => void
}

export function createClockwork(startMs: number): Clockwork {
  const heap: Appointment[] = []
  let nowMs = startMs
  let made = 0

  function at(ms: number, action: () => void): void {
    push(heap, { ms: Math.max(nowMs, ms), number: made, action })
    made += 1
  }

  return {
    get nowMs() {
      return nowMs
    },
    at,
    after: (delayMs, action) => at(nowMs + delayMs, action),
    async runUntil(ms) {
      await quiet()
      for (let next = heap[0]; next !== undefined && next.ms <= ms; next = heap[0]) {
        pop(heap)
        nowMs = next.ms
        next.action()
        await quiet()
      }
      nowMs = Math.max(nowMs, ms)
    },
  }
}

/** All promises that can go on have gone on: nothing in a simulation waits for anything but an appointment. */
function quiet(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function isBefore(one: Appointment, other: Appointment): boolean {
  return one.ms < other.ms || (one.ms === other.ms && one.number < other.number)
}

function push(heap: Appointment[], item: Appointment): void {
  let place = heap.length
  heap.push(item)
  while (place > 0) {
    const parent = (place - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isBefore(above, item)) break
    heap[place] = above
    heap[parent] = item
    place = parent
  }
}

function pop(heap: Appointment[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let place = 0
  for (;;) {
    const left = 2 * place + 1
    const [one, other] = [heap[left], heap[left + 1]]
    if (one === undefined) break
    const child = other !== undefined && isBefore(other, one) ? left + 1 : left
    const below = child === left ? one : other
    if (below === undefined || isBefore(last, below)) break
    heap[place] = below
    place = child
  }
  heap[place] = last
}
