import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { RunResult } from './run.ts'
import type { SimTerms } from './terms.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

export interface Done {
  readonly result: RunResult
  readonly cpuMs: number
}

/** Worker processes that share the runs of a list. */
export interface Crew {
  /** Rejects when a worker fails. @param onDone false: no more are begun */
  run(terms: Iterable<SimTerms>, onDone: (done: Done) => boolean): Promise<void>
  close(): void
}

export function openCrew(size: number): Crew {
  const workers = Array.from({ length: size }, () =>
    fork(WORKER, { execArgv: ['--conditions=bzzz-src'], serialization: 'advanced' }),
  )
  return {
    async run(terms, onDone) {
      const list = terms[Symbol.iterator]()
      let goesOn = true
      const next = (): SimTerms | undefined => {
        const { value, done } = goesOn ? list.next() : { value: undefined, done: true }
        return done === true ? undefined : value
      }
      await Promise.all(
        workers.map(async (worker) => {
          for (let one = next(); one !== undefined; one = next()) if (!onDone(await askOf(worker, one))) goesOn = false
        }),
      )
    },
    close() {
      for (const worker of workers) if (worker.connected) worker.disconnect()
    },
  }
}

function askOf(worker: ChildProcess, terms: SimTerms): Promise<Done> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`a worker ended at seed ${terms.seed} (${code})`))
    worker.once('exit', gone)
    worker.once('message', (done: Done) => {
      worker.off('exit', gone)
      resolve(done)
    })
    worker.send(terms)
  })
}
