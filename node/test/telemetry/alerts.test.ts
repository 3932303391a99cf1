import type { Alert, NanoUsd, Period } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { observeAlerts } from '../../src/telemetry/alerts.ts'
import { seeded } from '../membership/place.ts'
import { instrumentsUnderTest } from './lines.ts'

const alertOf = (level: Alert['level']) => ({
  ...({ v: 1, level, period: 'd:2026-11-22' as Period, wallMs: 1, teller: seeded(1).peer } as const),
  ...{ limit: 1_000_000_000n as NanoUsd, spent: 960_000_000n as NanoUsd },
})

it('the line of an alert has the level of a line, so that a collector that looks for errors finds what is critical', () => {
  const { instruments, lines } = instrumentsUnderTest()
  const observe = observeAlerts(instruments)
  for (const level of ['warning', 'critical'] as const) observe({ type: 'alert-told', alert: alertOf(level) })
  observe({ type: 'alert-heard', alert: alertOf('critical') })
  expect(lines.map(({ level, alert, msg }) => ({ level, alert, msg }))).toEqual([
    { level: 'warn', alert: 'warning', msg: "warning: 96 % of the mesh's limit for 2026-11-22 is spent, held or lost" },
    {
      level: 'error',
      alert: 'critical',
      msg: "critical: 96 % of the mesh's limit for 2026-11-22 is spent, held or lost",
    },
    {
      level: 'info',
      alert: 'critical',
      msg: "critical: 96 % of the mesh's limit for 2026-11-22 is spent, held or lost",
    },
  ])
})
