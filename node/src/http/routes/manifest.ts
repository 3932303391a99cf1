import {
  adoptOrder,
  leftAnswer,
  manifestChanged,
  manifestView,
  nanoOfUsd,
  newLimit,
  removeOrder,
  restoreOrder,
} from '@bzzz/protocols'
import type { Door } from '../door.ts'
import { leftView, manifestStanding } from '../views/manifest.ts'
import type { Routes } from './routes.ts'

// The mesh's sum may need a look into the DHT; an answer without it is better than a late one.
const VIEW_TIMEOUT_MS = 3_000

/** What the owner's key signs, and leaving. */
export function addManifestRoutes(door: Door, { ports: { manifest, accounts }, answers }: Routes): void {
  const config = { access: 'token' } as const
  const changed = { 200: manifestChanged }
  const view = async () => ({
    ...manifestStanding(await manifest.view(AbortSignal.timeout(VIEW_TIMEOUT_MS))),
    adopt_due: [...accounts.adoptionsDue()],
  })
  type Done = Awaited<ReturnType<typeof manifest.heal>>
  const answer = async ({ status }: Done, dryRun = false) => ({
    status: dryRun && status === 'signed' ? ('possible' as const) : status,
    ...(await view()),
  })

  door.get('/api/manifest', { config, schema: { response: { 200: manifestView } } }, view)
  door.post('/api/manifest/limits', { config, schema: { body: newLimit, response: changed } }, async (request) => {
    const { dim, direction, amount_usd, dry_run: dryRun } = request.body
    const order = { dim, direction, amount: nanoOfUsd(amount_usd) }
    return answer(await answers.once(request, () => manifest.limit(order, { dryRun })), dryRun)
  })
  door.post('/api/manifest/adopt', { config, schema: { body: adoptOrder, response: changed } }, async (request) => {
    const { node, reissue_usd: reissue, dry_run: dryRun } = request.body
    const amount = reissue === undefined ? null : nanoOfUsd(reissue)
    return answer(await answers.once(request, () => manifest.adopt(node, amount, { dryRun })), dryRun)
  })
  door.post('/api/manifest/remove', { config, schema: { body: removeOrder, response: changed } }, async (request) => {
    const { node, destroyed, dry_run: dryRun } = request.body
    return answer(await answers.once(request, () => manifest.remove(node, destroyed, { dryRun })), dryRun)
  })
  door.post('/api/manifest/restore', { config, schema: { body: restoreOrder, response: changed } }, async (request) =>
    answer(await answers.once(request, () => manifest.restore(request.body.gone))),
  )
  door.post('/api/manifest/heal', { config, schema: { response: changed } }, async (request) =>
    answer(await answers.once(request, manifest.heal)),
  )
  door.post('/api/leave', { config, schema: { response: { 200: leftAnswer } } }, async (request) =>
    leftView(await answers.once(request, manifest.leave)),
  )
}
