import { it } from 'vitest'
import { allOnline, Network, threadNamed, until } from './network.ts'

it('12', async () => {
  const network = new Network()
  const names = Array.from({ length: 12 }, (_, i) => `node-${i}`)
  const nodes = await network.nodes(names, { timings: { repairMs: 60_000, graceMs: 2000, redialMostMs: 5000 } })
  const t0 = performance.now()
  await until(() => allOnline(nodes), 30_000).catch(() => console.log('NOT ALL ONLINE'))
  const thread = threadNamed('crowd')
  for (const node of nodes) node.mesh.publish(node.threads.write(thread))
  let ok = true
  await until(() => nodes.every((node) => node.threads.count(thread) === 12), 8_000).catch(() => {
    ok = false
  })
  const counts: any = {}
  for (const f of nodes.flatMap((n) => n.facts) as any[]) {
    const k = [
      f.type,
      f.status,
      f.way,
      f.code,
      f.type === 'peer-offline' ? f.reason : '',
      f.type === 'dial-failed' ? f.reason.replace(/\d+/g, '#') : '',
    ]
      .filter(Boolean)
      .join(' ')
    counts[k] = (counts[k] ?? 0) + 1
  }
  console.log(
    ok,
    Math.round(performance.now() - t0),
    JSON.stringify(counts, null, 1),
    nodes.map((n) => n.threads.count(thread)).join(),
  )
  if (!ok)
    for (const n of nodes) {
      console.log(
        n.name,
        n.threads.count(thread),
        JSON.stringify((n.facts as any[]).filter((f) => f.type === 'batch-published')),
      )
      const got = (n.facts as any[]).filter((f) => f.type === 'envelope-received')
      console.log(
        got.map((g) => g.way + ':' + names[nodes.findIndex((m) => m.peer === g.peer)] + ':' + g.status).join(' '),
      )
    }
  await network.close()
}, 60_000)
