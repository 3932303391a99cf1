import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A measured process, which answers questions over its IPC channel. */
export interface Measured<Verbs> {
  ask<V extends keyof Verbs & string>(verb: V, ...input: InputOf<Verbs[V]>): Promise<OutputOf<Verbs[V]>>
  close(): Promise<void>
  /** At once, whatever it does. What was asked and not answered is rejected. */
  kill(): Promise<void>
}

type InputOf<F> = F extends (...input: infer I) => unknown ? I : never
type OutputOf<F> = F extends (...input: never[]) => infer O ? Awaited<O> : never

interface Question {
  readonly number: number
  readonly verb: string
  readonly input: unknown[]
}
interface Answer {
  readonly number: number
  readonly output?: unknown
  readonly error?: string
}

/** @param module a TypeScript file beside the suite, which calls {@link serve} */
export function measure<Verbs>(module: URL, args: readonly string[] = []): Measured<Verbs> {
  const child = fork(fileURLToPath(module), [...args], {
    execArgv: ['--conditions=bzzz-src'],
    serialization: 'advanced',
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  let questions = 0
  child.on('message', (answer: Answer) => {
    waiting.get(answer.number)?.(answer)
    waiting.delete(answer.number)
  })
  child.on('exit', (code) => {
    for (const [number, settle] of waiting) settle({ number, error: `the measured process ended with ${code}` })
  })
  return {
    ask: (verb, ...input) =>
      new Promise((resolve, reject) => {
        const number = ++questions
        waiting.set(number, ({ error, output }) => {
          if (error === undefined) resolve(output as never)
          else reject(new Error(`${verb}: ${error}`))
        })
        child.send({ number, verb, input } satisfies Question)
      }),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** The other end: runs until its parent hangs up. */
export function serve(verbs: object, close: () => Promise<void>): void {
  const answer = async ({ verb, input }: Question) => {
    return (verbs as Record<string, (...input: unknown[]) => unknown>)[verb]?.(...input)
  }
  process.on('message', (question: Question) => {
    const { number } = question
    answer(question).then(
      (output) => process.send?.({ number, output } satisfies Answer),
      (error: Error) => process.send?.({ number, error: error.stack ?? error.message } satisfies Answer),
    )
  })
  process.on('disconnect', () => void close().then(() => process.exit(0)))
}
