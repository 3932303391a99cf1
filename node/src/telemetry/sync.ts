import { Counter, Gauge } from 'prom-client'
import type { SyncFact } from '../sync/facts.ts'
import { dispatch, type Instruments } from './instruments.ts'

/** Metrics and log lines of the laptops' door. Of a token its holder and id are told. */
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
    closed({ open, why, holder, tokenId }) {
      sockets.set(open)
      closed.inc({ why })
      log.debug({ why, holder, token_id: tokenId }, 'laptop disconnected')
    },
    fault({ kind, reason, holder, tokenId }) {
      faults.inc({ kind })
      const fields = { kind, reason, holder, token_id: tokenId }
      warnRarely(`sync/${tokenId}/${kind}`, fields, 'a laptop was disconnected for what it sent')
    },
    penalised({ holder, tokenId, ms }) {
      penalised.inc()
      const fields = { holder, token_id: tokenId, seconds: ms / 1000 }
      warnRarely(`sync/${tokenId}`, fields, 'a token of laptops is refused for a while')
    },
    edited: ({ changes }) => edits.inc(changes),
    'edit-refused'({ code, holder, tokenId }) {
      refused.inc({ code })
      warnRarely(`sync/${tokenId}/${code}`, { code, holder, token_id: tokenId }, "a laptop's edit was refused")
    },
    'worker-restarted'({ why }) {
      restarts.inc({ why })
      warnRarely(`sync/${why}`, { why }, 'the thread that reads what laptops send was begun again')
    },
    failed: ({ error }) => log.error({ err: error }, 'a message of a laptop failed'),
  })
}
