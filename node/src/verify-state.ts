import { verifyLedger } from '@bzzz/budget'
import type { MeshId } from '@bzzz/protocols'
import type { StateOptions } from '@bzzz/store'
import { verifyThreads } from '@bzzz/threads'
import type { Log } from './telemetry/log.ts'

/** What has to hold before a state is used again that did not end in order; told in the log, with what it took. */
export function verifyState(
  mesh: MeshId,
  { log, now }: { readonly log: Log; readonly now: () => number },
): NonNullable<StateOptions['verify']> {
  return async (room) => {
    const startedMs = now()
    log.warn('the node did not end in order: its ledger and threads are verified before it starts')
    const { records } = await verifyLedger(room('budget'), mesh)
    const { threads, changes, blobs } = await verifyThreads(room('threads'), mesh)
    const tookMs = now() - startedMs
    log.info({ records, threads, changes, blobs, took_ms: tookMs }, 'verified after an end that was not in order')
  }
}
