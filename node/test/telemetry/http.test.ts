import { expect, it } from 'vitest'
import { observeHttp } from '../../src/telemetry/http.ts'
import { instrumentsUnderTest } from './lines.ts'

it('measures requests by route, counts refusals, and logs what nobody expected', async () => {
  const { instruments, metrics, lines } = instrumentsUnderTest()
  const observe = observeHttp(instruments)
  observe({ type: 'answered', door: 'agents', method: 'GET', route: '/api/agents/:id', status: 404, seconds: 0.25 })
  observe({ type: 'refused', door: 'agents', code: 'AGENT_UNKNOWN', detail: 'nobody' })
  observe({ type: 'failed', door: 'node', route: '/health', error: new Error('broken') })
  observe({ type: 'stream-opened', open: 1 })
  observe({ type: 'stream-opened', open: 2 })
  observe({ type: 'stream-closed', open: 1, why: 'slow' })
  const labels = 'method="GET",route="/api/agents/:id",status="404"'
  expect(await metrics()).toEqual([
    `bzzz_http_request_seconds_sum{door="agents",${labels}} 0.25`,
    `bzzz_http_request_seconds_count{door="agents",${labels}} 1`,
    'bzzz_http_refused_total{door="agents",code="AGENT_UNKNOWN"} 1',
    'bzzz_http_failed_total{door="node",route="/health"} 1',
    'bzzz_http_event_streams 1',
    'bzzz_http_event_streams_cut_total 1',
  ])
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { msg: 'request failed', err: { message: 'broken' } },
  ])
})
