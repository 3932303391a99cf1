import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { interleaved } from '../interleaved.ts'
import { measure } from '../processes.ts'
import { type Row, rowOf } from '../rows.ts'
import type { MemoryVerbs } from './memory-process.ts'

const STORED = 1_000
const LOADED = 50
const ENTRIES = 100

/** What threads cost that are only stored: a process that has many of them, beside one that has those it reads alone. */
export async function memoryRows(progress: (line: string) => void): Promise<Row[]> {
  progress(`threads: writing ${STORED} threads of ${ENTRIES} entries`)
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
  const seed = randomBytes(32)
  const inProcess = async <T>(stored: number, work: (one: ReturnType<typeof openOne>) => Promise<T>): Promise<T> => {
    const one = openOne(join(directory, String(stored)), seed)
    try {
      return await work(one)
    } finally {
      await one.close()
    }
  }
  try {
    for (const stored of [STORED, LOADED]) await inProcess(stored, (one) => one.ask('write', stored, ENTRIES))
    progress(`threads: memory of ${STORED} threads, ${LOADED} of them loaded`)
    const resident = (stored: number) => () => inProcess(stored, (one) => one.ask('residentWith', LOADED))
    return [rowOf('threads.rss_of_1000_stored', 'MiB', '<=1.5', await interleaved(resident(STORED), resident(LOADED)))]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function openOne(directory: string, seed: Uint8Array) {
  return measure<MemoryVerbs>(new URL('./memory-process.ts', import.meta.url), [
    directory,
    Buffer.from(seed).toString('hex'),
  ])
}
