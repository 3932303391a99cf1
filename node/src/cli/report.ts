import type { FindingView, ReviewReport } from '@bzzz/protocols'
import { exitCodes } from './exit.ts'
import type { ReviewEnd } from './review-session.ts'
import { dollars, firstLine, plain, styled, type Terminal } from './terminal.ts'

/** The object that `bzzz review --json` prints at its end. */
export interface ReviewResult {
  readonly verdict: 'approved' | 'changes_requested' | 'escalated' | 'paused'
  readonly reason: string | null
  readonly thread: string
  readonly findings: readonly {
    severity: string
    file: string
    line: number
    rule: string
    agent: string
    verified: boolean
    message: string
    quote: string
    blocking: boolean
  }[]
  readonly coverage: ReviewReport['coverage']
  readonly dissent: ReviewReport['dissent']
  readonly people: ReviewReport['people']
  readonly seats: ReviewReport['seats']
  readonly costs: ReviewReport['costs']
  readonly spent_usd: number
  /** Rules or play money took part: said here as in every entry. */
  readonly simulated: boolean
}

export function resultOf({ status, report }: ReviewEnd): ReviewResult {
  return {
    verdict: status === 'paused' || report.state === 'running' ? 'paused' : report.state,
    reason: report.verdict?.reason ?? report.seats.find((seat) => seat.state === 'paused')?.reason ?? null,
    thread: report.thread,
    findings: report.findings.map((finding) => {
      const { severity, file, line, rule, agent, verified, message, blocking } = finding
      return { severity, file, line, rule, agent, verified, message, quote: shownQuote(finding), blocking }
    }),
    coverage: report.coverage,
    dissent: report.dissent,
    people: report.people,
    seats: report.seats,
    costs: report.costs,
    spent_usd: report.costs.total_usd,
    simulated: report.simulated,
  }
}

export function exitCodeOf(result: ReviewResult): number {
  return {
    approved: exitCodes.approved,
    changes_requested: exitCodes.changesRequested,
    escalated: exitCodes.escalated,
    paused: exitCodes.pausedByBudget,
  }[result.verdict]
}

const severityStyle = { critical: 'red', high: 'red', medium: 'yellow', low: 'blue', info: 'dim' } as const
const verdictStyle = {
  approved: 'green',
  changes_requested: 'yellow',
  escalated: 'magenta',
  paused: 'magenta',
} as const

/** Verdict, findings with their evidence, dissent, seats that are missing and why, coverage, cost by agent and node. */
export function reportText(terminal: Terminal, { status, report }: ReviewEnd): string {
  const result = resultOf({ status, report })
  const counted = report.findings.filter((finding) => finding.verified)
  const unverified = report.findings.filter((finding) => !finding.verified)
  return [
    `${styled(terminal, ['bold', verdictStyle[result.verdict]], result.verdict.replace('_', ' ').toUpperCase())}${result.reason === null ? '' : ` (${plain(result.reason)})`}  ${plain(report.terms.change.repository)} ${report.terms.change.base.slice(0, 10)}..${report.terms.change.head.slice(0, 10)}`,
    ...section(
      `Findings (${counted.length})`,
      counted.flatMap((finding) => findingLines(terminal, finding)),
    ),
    ...section(
      `Not counted: their quote was not found in the change (${unverified.length})`,
      unverified.flatMap((finding) => findingLines(terminal, finding)),
    ),
    ...section(
      'Dissent',
      report.dissent.map(
        (vote) => `  round ${vote.round}: ${plain(vote.role)} ${vote.choice}s: ${firstLine(vote.content)}`,
      ),
    ),
    ...section(
      'People, whose votes decide nothing',
      report.people.map(
        ({ author, node, round, choice, content }) =>
          `  round ${round}: ${plain(author.slice('human:'.length, author.lastIndexOf('@')))}@${plain(node)} ${choice}s${content === '' ? '' : `: ${firstLine(content)}`}`,
      ),
    ),
    ...section('Seats', seatLines(report)),
    ...section('Coverage', coverageLines(report)),
    ...section('Cost', costLines(report)),
    ...(report.simulated ? ['', 'Simulated: offline rules at play-money prices; no language model took part.'] : []),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}

function findingLines(terminal: Terminal, finding: FindingView): string[] {
  const place = `${plain(finding.file)}:${finding.line}`
  return [
    `  ${styled(terminal, severityStyle[finding.severity], finding.severity.padEnd(8))} ${place}  ${firstLine(finding.message)}${finding.blocking ? styled(terminal, 'bold', '  [must be mended]') : ''}`,
    `           ${styled(terminal, 'dim', `${plain(finding.role)}, ${plain(finding.rule)}`)}  | ${plain(shownQuote(finding)).trim().slice(0, 120)}`,
  ]
}

/** A secret that was found is not repeated: this output ends up in logs. The thread holds the line, as the change does. */
function shownQuote({ rule, quote }: Pick<FindingView, 'rule' | 'quote'>): string {
  return rule.includes('secretlint') ? quote.replaceAll(/[\w+/=-]{12,}/g, (word) => `${word.slice(0, 4)}…`) : quote
}

/** Those of which something is to be said: why a seat is missing is what whoever asked can mend. */
function seatLines({ seats }: ReviewReport): string[] {
  return seats.flatMap(({ role, node_id, state, reason }) =>
    reason === null ? [] : [`  ${plain(role)} on ${plain(node_id)}: ${state}, ${plain(reason)}`],
  )
}

/** `*` is every file without a row of its own; without any reading there are no rows. */
function coverageLines({ coverage, terms: { change } }: ReviewReport): string[] {
  const reviewed = coverage.filter((row) => row.reviewed_by.length > 0)
  const skipped = coverage.filter((row) => row.reviewed_by.length === 0)
  const read = reviewed.some(({ file }) => file === '*') ? change.files - skipped.length : reviewed.length
  const roles = [...new Set(reviewed.flatMap((row) => row.reviewed_by))].join(', ')
  return [
    `  ${read} of ${change.files} files read${roles === '' ? '' : ` by ${roles}`}`,
    ...skipped.map(
      ({ file, reason }) =>
        `  not read: ${file === '*' ? 'all others' : plain(file)} (${plain(reason ?? 'no seat read it')})`,
    ),
  ]
}

function costLines(report: ReviewReport): string[] {
  return [
    `  ${dollars(report.costs.total_usd)}${report.simulated ? ' (play money)' : ''}${report.terms.budget_usd === null ? '' : ` of ${dollars(report.terms.budget_usd)}`}`,
    ...report.costs.by_agent.map(
      (row) => `  ${plain(row.agent.split('@')[0] ?? row.agent)} on ${plain(row.node_id)}: ${costWords(row)}`,
    ),
  ]
}

/** A call of which nobody knows what it used counts as its whole hold. */
function costWords({ cost_usd, input_tokens, output_tokens }: ReviewReport['costs']['by_agent'][number]): string {
  if (cost_usd > 0 && input_tokens === 0)
    return `at most ${dollars(cost_usd)}, since the model's server did not plainly say what it used`
  return `${dollars(cost_usd)} for ${input_tokens} tokens in, ${output_tokens} out`
}
