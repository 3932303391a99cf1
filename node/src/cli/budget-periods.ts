import type { PeriodView } from '@bzzz/protocols'
import type { CommandContext } from './context.ts'
import { ago, dollars, plain, table } from './terminal.ts'

/**
 * A period in a few lines: what the mesh spent, each node's part of it, and this node's exactly.
 * @param ownPart false for a node that spends nothing by what it is
 */
export function periodLines(period: PeriodView, context: CommandContext, { ownPart }: { ownPart: boolean }): string[] {
  const { nodes } = period
  return [
    `${nameOf(period)}  ${meshWords(period)}`,
    ...lostLines(period),
    ...(nodes.length < 2
      ? []
      : [
          indented(
            table(
              context.terminal,
              HEADER,
              nodes.map((node) => row(node, context)),
            ),
          ),
        ]),
    ...(ownPart ? [`  this node  ${ownWords(period.own)}`] : []),
  ]
}

function nameOf({ kind, period }: PeriodView): string {
  const label = plain(period.slice(period.indexOf(':') + 1))
  if (kind === 'agent-day') return `day of ${label.replace(':', ' ')}`
  return `${kind} ${label}`
}

function lostLines({ lost_usd }: PeriodView): string[] {
  return lost_usd === null || lost_usd === 0 ? [] : [`  lost with given-up ledgers: ${dollars(lost_usd)}`]
}

function meshWords({ kind, limit_usd, spent_usd, spent_at_most_usd, nodes }: PeriodView): string {
  if (kind === 'agent-day') return 'an agent has a limit of its own'
  if (kind === 'thread') return limit_usd === null ? 'a cap of its own' : `the cap is ${dollars(limit_usd)}`
  const spent = `${dollars(spent_usd ?? 0)} of ${dollars(limit_usd ?? 0)}`
  if (spent_at_most_usd === null || spent_at_most_usd <= (spent_usd ?? 0)) return `the mesh spent ${spent}`
  return `the mesh spent at least ${spent}, at most ${dollars(spent_at_most_usd)}${unsureWords(nodes)}`
}

/** Whose figures are none, or those from before it went away. */
function unsureWords(nodes: PeriodView['nodes']): string {
  const namesOf = (some: PeriodView['nodes']) => some.map(({ node_id }) => plain(node_id)).join(', ')
  const silent = namesOf(nodes.filter(({ charged_usd }) => charged_usd === null))
  const away = namesOf(
    nodes.filter(({ charged_usd, online, unspent_usd }) => charged_usd !== null && !online && unspent_usd > 0),
  )
  const words = [silent && `no figures from ${silent}`, away && `old figures from ${away}`].filter(
    (part) => part !== '',
  )
  return words.length === 0 ? '' : ` (${words.join('; ')})`
}

const HEADER = ['node', '', 'may spend', 'spent, held', 'left', 'as of']

function row(node: PeriodView['nodes'][number], { now }: CommandContext): string[] {
  const { node_id, online, rights_usd, charged_usd, unspent_usd, as_of } = node
  return [
    node_id,
    online ? '' : 'away',
    dollars(rights_usd),
    charged_usd === null ? 'not told' : dollars(charged_usd),
    charged_usd === null ? `up to ${dollars(unspent_usd)}` : dollars(unspent_usd),
    as_of === null ? '-' : ago(as_of, now()),
  ]
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line.trimEnd()}`)
    .join('\n')
}

function ownWords({
  spent_usd,
  held_usd,
  available_usd,
  overrun_usd,
  local_cap_usd,
  ...own
}: PeriodView['own']): string {
  const over =
    overrun_usd === 0
      ? ''
      : `; of what it spent, ${dollars(overrun_usd)} was billed above what calls could cost by the price table`
  const cap = local_cap_usd === null ? '' : `, by its own configuration ${dollars(local_cap_usd)} at most`
  return (
    `may spend ${dollars(own.rights_usd)}${moved(own)}${cap}: ` +
    `spent ${dollars(spent_usd)}, held ${dollars(held_usd)}, available ${dollars(available_usd)}${over}`
  )
}

type Moved = Pick<PeriodView['own'], 'initial_usd' | 'minted_usd' | 'received_usd' | 'granted_usd'>

function moved({ initial_usd, minted_usd, received_usd, granted_usd }: Moved): string {
  const words = [
    minted_usd > 0 && `added ${dollars(minted_usd)}`,
    received_usd > 0 && `received ${dollars(received_usd)}`,
    granted_usd > 0 && `gave away ${dollars(granted_usd)}`,
  ].filter((part) => part !== false)
  return words.length === 0 ? '' : ` (allotted ${dollars(initial_usd)}, ${words.join(', ')})`
}
