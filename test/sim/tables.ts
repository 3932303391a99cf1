import { mutantNamed } from './mutants.ts'
import { summaryOf, type Totals } from './totals.ts'

/** Policies side by side. */
export function policyTable(all: readonly Totals[]): string {
  const rows = all.map((totals) => {
    const { runs, over, worst_over, denied, denied_left, denied_reachable, ...rest } = summaryOf(totals)
    return [
      totals.terms.policy,
      String(runs),
      String(over),
      over === 0 ? '-' : `+${percent(worst_over)}`,
      rest.over_by_twin === 0 ? '-' : `${rest.over_by_twin}, +${percent(rest.worst_over_by_twin)}`,
      percent(denied),
      percent(denied_left),
      percent(denied_reachable),
      percent(rest.stranded),
      percent(rest.overrun),
      rest.messages_per_call.toFixed(2),
      `${rest.wait_median.toFixed(2)} s`,
      `${rest.wait_p99.toFixed(0)} s`,
    ]
  })
  const heads = [
    'policy',
    'runs',
    'over',
    'worst',
    'by a twin',
    'denied',
    '$ left',
    '$ in reach',
    'stranded',
    'overrun',
    'msgs/call',
  ]
  return table([[...heads, 'wait p50', 'p99'], ...rows])
}

/** Each broken rule, and how it was noticed. */
export function mutantTable(all: readonly Totals[]): string {
  const rows = all.map((totals) => {
    const { runs, wrong, firstWrong, worstOver, terms } = totals
    const noticed = [...wrong].map(([kind, count]) => `${kind} ${count}`).join(', ')
    const over = worstOver === 0 ? '-' : `+${percent(worstOver)}`
    const { what } = mutantNamed(terms.mutant)
    return [String(terms.mutant), String(runs), String(firstWrong?.seed ?? 'NOT NOTICED'), noticed || '-', over, what]
  })
  return table([['mutant', 'runs', 'seed', 'noticed as, in runs', 'worst', 'the broken rule'], ...rows])
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)}%`
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`
}
