import { Counter, Gauge } from 'prom-client'
import type { SyncFact } from '../sync/facts.ts'
import { dispatch, type Instruments } from './instruments.ts'

/** Metrics and log lines of the laptops' door. A token is told by its holder's name. */
export function observeSync({ registry, log, warnRarely }: Instruments): (fact: SyncFact) => void {
  const registers = [registry]
  const sockets = new Gauge({ name: 'bzzz_sync_sockets', help: 'Laptops that are connected over /sync.', registers })
  const closed = new Counter({
    name: 'bzzz_sync_closed_total',
    help: 'Connections of laptops that ended, by reason.',
    labelNames: ['why'],
    registers,
  })
  const faults = new Counter({
    name: 'bzzz_sync_faults_total',
    help: 'What laptops sent and no honest client sends, by kind; each closed its connection.',
    labelNames: ['kind'],
    registers,
  })
  const penalised = new Counter({
    name: 'bzzz_sync_penalties_total',
    help: 'Times that a token was refused for a while because of faults.',
    registers,
  })
  const edits = new Counter({
    name: 'bzzz_sync_edits_total',
    help: 'Changes of laptops that were signed and synced to disk.',
    registers,
  })
  const refused = new Counter({
    name: 'bzzz_sync_edits_refused_total',
    help: 'Edits of laptops that were sent back with a reason, by code.',
    labelNames: ['code'],
    registers,
  })
  const restarts = new Counter({
    name: 'bzzz_sync_worker_restarts_total',
    help: 'Times that the thread which reads what laptops send was begun again, by reason.',
    labelNames: ['why'],
    registers,
  })

  return dispatch<SyncFact>({
    opened: ({ open }) => sockets.set(open),
    closed({ open, why, token }) {
      sockets.set(open)
      closed.inc({ why })
      log.debug({ why, token }, 'laptop disconnected')
    },
    fault({ kind, reason, token }) {
      faults.inc({ kind })
      warnRarely(`sync/${token}/${kind}`, { kind, reason, token }, 'a laptop was disconnected for what it sent')
    },
    penalised({ token, ms }) {
      penalised.inc()
      warnRarely(`sync/${token}`, { token, seconds: ms / 1000 }, 'a token of laptops is refused for a while')
    },
    edited: ({ changes }) => edits.inc(changes),
    'edit-refused'({ code, token }) {
      refused.inc({ code })
      warnRarely(`sync/${token}/${code}`, { code, token }, "a laptop's edit was refused")
    },
    'worker-restarted'({ why }) {
      restarts.inc({ why })
      warnRarely(`sync/${why}`, { why }, 'the thread that reads what laptops send was begun again')
    },
    failed: ({ error }) => log.error({ err: error }, 'a message of a laptop failed'),
  })
}
