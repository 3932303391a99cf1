import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBudget } from '@bzzz/budget'
import { openState } from '@bzzz/store'
import { ClassicLevel } from 'classic-level'
import { concurrently, interleaved } from '../interleaved.ts'
import { type Row, rowOf } from '../rows.ts'
import { grantRows } from './grants.ts'
import { BYTES, callsThrough, largeLedger } from './ledger.ts'
import { rebuildRows } from './rebuild.ts'

const CONCURRENCIES = [1, 16, 64]
const CALLS = { 1: 800, 16: 1_600, 64: 3_200 } as Record<number, number>
/** Calls before the first measured one: less, and the compiler would be measured. */
const WARM_UP = 1_000

/**
 * A call's way through the ledger (held with everything it is charged to, settled with its reply) against the least that
 * could be durable: two synced appends to LevelDB.
 */
async function callRows(directory: string, progress: (line: string) => void): Promise<Row[]> {
  const state = await openState({ directory: join(directory, 'state') })
  const level = new ClassicLevel<string, Uint8Array>(join(directory, 'floor'), { valueEncoding: 'view' })
  const room = state.room('budget')
  const budget = await openBudget({ room, ...(await largeLedger(room)) })
  const rows: Row[] = []
  try {
    const run = callsThrough(budget)
    const calls = (count: number, inFlight: number) => perSecond(count, () => run(count, inFlight))
    const appends = appendsTo(level)
    for (const inFlight of CONCURRENCIES) {
      progress(`budget: reserve and settle, ${inFlight} at once`)
      const count = CALLS[inFlight] ?? 0
      await calls(WARM_UP, inFlight)
      await appends(WARM_UP, inFlight)
      const pairs = await interleaved(
        () => calls(count, inFlight),
        () => appends(count, inFlight),
      )
      rows.push(rowOf(`budget.reserve_settle.c${inFlight}`, 'calls/s', '>=0.6', pairs))
    }
  } finally {
    await budget.close()
    await state.close()
    await level.close()
  }
  return rows
}

/** Calls through the ledger, rights from another node, and opening a large ledger. */
export async function budgetSuite(progress: (line: string) => void): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
  try {
    return [
      ...(await callRows(directory, progress)),
      ...(await grantRows(progress)),
      ...(await rebuildRows(directory, progress)),
    ]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function appendsTo(level: ClassicLevel<string, Uint8Array>): (count: number, inFlight: number) => Promise<number> {
  const value = randomBytes(BYTES)
  let appended = 0
  async function call(): Promise<void> {
    for (let i = 0; i < 2; i++) await level.put(String(appended++).padStart(12, '0'), value, { sync: true })
  }
  return (count, inFlight) => perSecond(count, () => concurrently(count, inFlight, call))
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return count / ((performance.now() - begun) / 1_000)
}
