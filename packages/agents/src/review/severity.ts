import type { Severity } from '@bzzz/protocols'

const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info']

/** The most severe first. */
export function bySeverity(a: { readonly severity: Severity }, b: { readonly severity: Severity }): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity)
}
