import { CALL_RULES, type CallRules } from './calls/tasks.ts'
import { CREDIT_RULES, type CreditRules } from './grants/take.ts'
import { MANIFEST_RULES, type ManifestRules } from './manifest/acknowledge.ts'
import type { Clock } from './periods/charged.ts'
import type { WriterOptions } from './writer.ts'

/**
 * Rules without which money would be spent twice, each a function of its own: a simulation puts a wrong one in its place, to
 * see that it is noticed.
 */
export interface Rules extends CreditRules, CallRules, ManifestRules {
  /** How far around a moment its calls are charged. */
  guardMs(clockSkewMs: number): Clock['skewMs']
  toldAfter: WriterOptions['toldAfter']
}

export const SHIPPED_RULES: Rules = {
  ...CREDIT_RULES,
  ...CALL_RULES,
  ...MANIFEST_RULES,
  guardMs: (clockSkewMs) => clockSkewMs,
  toldAfter: (synced) => synced,
}
