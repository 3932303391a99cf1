import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../../billing/free-ports.ts'
import { foundingManifest } from '../../billing/manifest.ts'
import { interleaved } from '../interleaved.ts'
import { type Measured, measure } from '../processes.ts'
import { median, type Row, rowOf } from '../rows.ts'
import type { GrantVerbs } from './grants-process.ts'

const WARM_UP = 30
/** Together fewer than a node may ask of another in one go. */
const GRANTS = 34
const POLL_MS = 20
const LABELS = ['asker', 'donor'] as const

/**
 * Rights from another process: until its signed grants are here, against bytes there and back; and until they are in both
 * ledgers, against the same with a synced put at either end.
 */
export async function grantRows(progress: (line: string) => void): Promise<Row[]> {
  progress('budget: rights from another node')
  const ports = await freePorts(LABELS.length)
  const nodes = ports.map((port) => {
    return measure<GrantVerbs>(new URL('./grants-process.ts', import.meta.url), [String(port)])
  })
  try {
    const [asker, donor] = nodes as [Measured<GrantVerbs>, Measured<GrantVerbs>]
    const accounts = await Promise.all(nodes.map((node) => node.ask('account')))
    const manifest = foundingManifest(new Map(accounts.map((one, i) => [LABELS[i] ?? '', one])), 100, Date.now())
    const addrs = Object.fromEntries(accounts.map(({ peer }, i) => [peer, `/ip4/127.0.0.1/tcp/${ports[i]}`]))
    await Promise.all(nodes.map((node) => node.ask('open', { manifest: manifest.bytes, addrs })))
    await asker.ask('meet', (await donor.ask('addresses'))[0] ?? '')
    while ((await asker.ask('linked')) === 0) await delay(POLL_MS)
    const [, from] = accounts
    if (from === undefined) throw new RangeError('there is no donor')
    const of = async (verb: 'answers' | 'grants', count = GRANTS) => median(await asker.ask(verb, from, count))
    const floor = async (synced: boolean, count = GRANTS) => median(await asker.ask('echoes', count, synced))
    await of('grants', WARM_UP)
    await floor(false, WARM_UP)
    await floor(true, WARM_UP)
    const answered = await interleaved(
      () => of('answers'),
      () => floor(false),
    )
    const credited = await interleaved(
      () => of('grants'),
      () => floor(true),
    )
    return [
      rowOf('budget.grant_answered_p50', 'ms', '<=5', answered),
      rowOf('budget.grant_credited_p50', 'ms', '<=5', credited),
    ]
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
  }
}
