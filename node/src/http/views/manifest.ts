import { type LeftAnswer, type ManifestView, usdOf } from '@bzzz/protocols'
import type { Standing } from '../../budget/changes.ts'
import type { Left } from '../../budget/leave.ts'

export function manifestStanding({
  version,
  contested,
  ownerKeyHere,
  nodes,
  limits,
  raisesFrom,
}: Standing): Omit<ManifestView, 'adopt_due'> {
  return {
    ...{ version, contested, owner_key: ownerKeyHere ? 'here' : 'elsewhere' },
    nodes: nodes.map(({ label, peer, confirmed, online }) => ({ node_id: label, peer_id: peer, confirmed, online })),
    limits: limits.map(({ period, dim, running, limit, given, mayExceedBy, waitingFor, spent, left }) => ({
      ...{ period, dim, running, waiting_for: [...waitingFor] },
      limit_usd: usdOf(limit),
      given_usd: usdOf(given),
      may_exceed_by_usd: usdOf(mayExceedBy),
      spent_usd: spent === null ? null : usdOf(spent),
      left_usd: left === null ? null : usdOf(left),
    })),
    raises_from: raisesFrom,
  }
}

export function leftView({ status, given }: Left): LeftAnswer {
  return {
    status,
    given: given.map(({ label, period, amount }) => ({ node_id: label, period, amount_usd: usdOf(amount) })),
  }
}
