import { expect, it } from 'vitest'
import { observeSync } from '../../src/telemetry/sync.ts'
import { instrumentsUnderTest } from './lines.ts'

it('says of a fault whose it is, by name and by the id that revokes the token', async () => {
  const { instruments, lines, metrics } = instrumentsUnderTest()
  const observe = observeSync(instruments)
  const whose = { holder: 'mallory', tokenId: '3f9a1c07be52' }
  observe({ type: 'fault', kind: 'hung', reason: 'it took too long', ...whose })
  observe({ type: 'penalised', ms: 60_000, ...whose })
  observe({ type: 'edit-refused', code: 'READ_ONLY', ...whose })
  observe({ type: 'closed', open: 0, why: 'fault', ...whose })
  const told = { holder: 'mallory', token_id: '3f9a1c07be52' }
  expect(lines).toMatchObject([told, told, told, told])
  expect(JSON.stringify(lines)).not.toContain('[redacted]')
  expect(await metrics()).toEqual([
    'bzzz_sync_closed_total{why="fault"} 1',
    'bzzz_sync_faults_total{kind="hung"} 1',
    'bzzz_sync_penalties_total 1',
    'bzzz_sync_edits_refused_total{code="READ_ONLY"} 1',
  ])
})
