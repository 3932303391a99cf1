import { type Alert, usdOf } from '@bzzz/protocols'
import { Counter } from 'prom-client'
import type { AlertsFact } from '../budget/wire-alerts.ts'
import { dispatch, type Instruments } from './instruments.ts'

/** Metrics and log lines of alerts. The counter's sum over all nodes is how many there were: only the teller counts one. */
export function observeAlerts({ registry, log, warnRarely }: Instruments): (fact: AlertsFact) => void {
  const told = new Counter({
    name: 'bzzz_budget_alerts_total',
    help: 'Alerts of the limits of the mesh that this node told to people, by level; those that others told are not counted.',
    labelNames: ['level', 'period'],
    registers: [registry],
  })
  return dispatch<AlertsFact>({
    'alert-told'({ alert }) {
      told.inc({ level: alert.level, period: alert.period.startsWith('m:') ? 'month' : 'day' })
      const { words, fields } = telling(alert)
      if (alert.level === 'critical') log.error(fields, words)
      else log.warn(fields, words)
    },
    'alert-heard'({ alert }) {
      const { words, fields } = telling(alert)
      log.info({ ...fields, told_by: alert.teller }, words)
    },
    'alert-refused': ({ from, why }) =>
      warnRarely(`alert/${why}`, { from, why }, 'an alert of another node was refused'),
    'alerts-failed': ({ error }) =>
      warnRarely('alerts', { err: error }, 'the limits could not be looked at for alerts'),
  })
}

/** The level of an alert is not named as that of a line: of one key twice, a reader of the log sees the last. */
function telling({ period, level, limit, spent }: Alert) {
  const fields = { alert: level, period, spent_usd: usdOf(spent), limit_usd: usdOf(limit) }
  const words = `${level}: ${(spent * 100n) / limit} % of the mesh's limit for ${period.slice(2)} is spent, held or lost`
  return { fields, words }
}
