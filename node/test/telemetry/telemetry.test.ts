import { expect, it } from 'vitest'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'
import { NOW } from '../http/mesh-of-three.ts'

const rooms = {
  threads: { list: () => [] },
  budget: { report: () => ({ rights: 'none', condition: 'open', periods: [], frozenModels: [] }) as const },
  mesh: { peers: () => [] },
}

it('keeps two nodes in one process apart', async () => {
  const [walnut, ironwood] = ['walnut', 'ironwood'].map((node) =>
    createTelemetry({ node, level: 'info', to: { write: () => {} }, now: () => NOW }),
  )
  walnut?.gauge(rooms)
  ironwood?.gauge(rooms)
  walnut?.observe.http({ type: 'stream-opened', open: 7 })
  expect(await walnut?.registry.metrics()).toContain('bzzz_http_event_streams 7')
  expect(await ironwood?.registry.metrics()).toContain('bzzz_http_event_streams 0')
})

it('names every metric of its own with a unit, and says what it is', async () => {
  const telemetry = createTelemetry({ node: 'walnut', level: 'info', to: { write: () => {} }, now: () => NOW })
  telemetry.gauge(rooms)
  const text = await telemetry.registry.metrics()
  const own = [...text.matchAll(/# HELP (bzzz_\w+) (.*)\n# TYPE \w+ (\w+)/g)]
  expect(own.length).toBeGreaterThan(30)
  for (const [, name = '', help, type] of own) {
    expect(help, name).toMatch(/^[A-Z].+\.$/)
    if (type === 'counter') expect(name).toMatch(/_total$/)
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
  }
})
