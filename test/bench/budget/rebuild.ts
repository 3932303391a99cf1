import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openBudget, verifyLedger } from '@bzzz/budget'
import { openState } from '@bzzz/store'
import { ClassicLevel } from 'classic-level'
import { interleaved } from '../interleaved.ts'
import { type Row, rowOf } from '../rows.ts'
import { callsThrough, type LargeLedger, largeLedger } from './ledger.ts'

/** Each three records: about a month of a busy node. */
const CALLS = 100_000
/** What our own reading has too. */
const READ_AT_ONCE_BYTES = 256 * 1024

/** Opening a ledger after an end that was not in order, all of it verified, against reading what is in it. */
export async function rebuildRows(directory: string, progress: (line: string) => void): Promise<Row[]> {
  progress(`budget: writing ${CALLS} calls`)
  const path = join(directory, 'large')
  const ledger = await written(path)
  progress('budget: opening it after an end that was not in order')
  const pairs = await interleaved(
    () => milliseconds(() => openUnclean(path, ledger)),
    () => milliseconds(() => readAll(path)),
  )
  return [rowOf(`budget.rebuild_${CALLS}`, 'ms', '<=5', pairs)]
}

async function written(path: string): Promise<LargeLedger> {
  const state = await openState({ directory: path })
  const ledger = await largeLedger(state.room('budget'))
  const budget = await openBudget({ room: state.room('budget'), ...ledger })
  await callsThrough(budget)(CALLS, 64)
  await budget.close()
  await state.close()
  return ledger
}

async function openUnclean(path: string, ledger: LargeLedger): Promise<void> {
  await rm(join(path, 'CLEAN'), { force: true })
  const { mesh } = ledger.manifest()
  const state = await openState({
    directory: path,
    verify: async (room) => {
      const { records } = await verifyLedger(room('budget'), mesh)
      if (records < 3 * CALLS) throw new RangeError(`only ${records} records were verified`)
    },
  })
  const budget = await openBudget({ room: state.room('budget'), ...ledger })
  await budget.close()
  await state.close()
}

/** Every row of the ledger's room, as LevelDB has them. */
async function readAll(path: string): Promise<void> {
  const level = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' })
  let bytes = 0
  const rows = level.iterator({ highWaterMarkBytes: READ_AT_ONCE_BYTES })
  for await (const [key, value] of rows) bytes += key.length + value.length
  await level.close()
  if (bytes < CALLS * BYTES_OF_A_CALL) throw new RangeError(`only ${bytes} bytes were read`)
}

const BYTES_OF_A_CALL = 1_024

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}
