import type { Desk } from './commit.ts'
import type { Run } from './log.ts'

/** In the turn of the thread's writer. @returns false when that is not wanted any more, or the log has become another one */
export async function compressRun(desk: Desk, run: Run, chunk: Uint8Array): Promise<boolean> {
  const { catalog, log, write, observe } = desk
  const { thread, envelopes } = run
  const before = catalog.summary(thread)
  if (before?.archived !== true || !(await log.holds(run))) return false
  const bytes = envelopes.reduce((sum, envelope) => sum + envelope.length, 0)
  const summary = { ...before, storedBytes: before.storedBytes - bytes + chunk.length }
  await write([...log.compress(run, chunk), ...catalog.operations(summary, [])])
  catalog.commit(summary, [])
  observe({ type: 'compressed', thread, changes: envelopes.length, bytes, storedBytes: chunk.length })
  return true
}
