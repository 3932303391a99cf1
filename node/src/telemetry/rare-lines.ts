import type { Log } from './log.ts'

export type WarnRarely = (key: string, fields: object, message: string) => void

const EVERY_MS = 60_000
// A peer may come with as many kinds of nonsense as it likes.
const MAX_KEYS = 1_000

/** What others do to a node must not fill its disk: at most one line a minute for each key, the next one with a count. */
export function createRareLines(log: Pick<Log, 'warn'>, now: () => number): WarnRarely {
  const said = new Map<string, { atMs: number; since: number }>()
  return (key, fields, message) => {
    const before = said.get(key)
    if (before !== undefined && now() - before.atMs < EVERY_MS) {
      before.since++
      return
    }
    said.delete(key)
    said.set(key, { atMs: now(), since: 0 })
    const [oldest] = said.keys()
    if (said.size > MAX_KEYS && oldest !== undefined) said.delete(oldest)
    const more = before === undefined || before.since === 0 ? {} : { not_logged_since: before.since }
    log.warn({ ...fields, ...more }, message)
  }
}
