import type { Arm, Closed, Point } from './point-names.ts'

let armed: { readonly point: Point; left: number } | undefined

process.on('message', ({ arm, nth }: Arm) => {
  armed = { point: arm, left: nth }
  process.send?.('armed')
})
// Listening for the test must not keep a node alive that was told to stop.
process.channel?.unref()

/** The node came by this point; if the test wants it to die here, nothing of the node runs after this line. */
export function pass(point: Point): void {
  if (armed?.point !== point) return
  armed.left--
  if (armed.left === 0) process.kill(process.pid, 'SIGKILL')
}

type Passed = Point extends infer P ? (P extends `${infer Verb}:before` ? Verb : never) : never

/** The same verb, with a point before it is called and one between its end and its caller. */
export function around<A extends unknown[], R>(
  verb: Extract<Passed, 'reserve' | 'settle' | 'append'>,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    pass(`${verb}:before`)
    const result = await call(...args)
    pass(`${verb}:after`)
    return result
  }
}

export function tellingTest<A extends unknown[]>(
  room: string,
  close: (...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    await close(...args)
    const message: Closed = { closed: room }
    process.send?.(message)
  }
}
