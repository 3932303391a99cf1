import { type Alert, type AlertView, usdOf } from '@bzzz/protocols'
import { isoTime, type NodeNames } from './names.ts'

export function alertViewOf({ level, period, limit, spent, teller, wallMs }: Alert, names: NodeNames): AlertView {
  const figures = { limit_usd: usdOf(limit), spent_usd: usdOf(spent) }
  return { level, period, ...figures, told_by: names(teller), at: isoTime(wallMs) }
}
