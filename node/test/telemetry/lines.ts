import { Registry } from 'prom-client'
import { createLog } from '../../src/telemetry/log.ts'
import { createRareLines } from '../../src/telemetry/rare-lines.ts'

/** Instruments whose lines and metrics a test can read. */
export function instrumentsUnderTest() {
  const lines: Record<string, unknown>[] = []
  const log = createLog({ node: 'walnut', level: 'debug', to: { write: (line) => lines.push(JSON.parse(line)) } })
  const registry = new Registry()
  const clock = { ms: 0 }
  const instruments = { registry, log, warnRarely: createRareLines(log, () => clock.ms) }
  return { instruments, lines, clock, metrics: () => samplesOf(registry) }
}

/** Samples without comments, `name{labels} value`; zeroes and buckets left out. */
async function samplesOf(registry: Registry): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line !== '' && !/^#|_bucket\{| 0$/.test(line))
}
