import { setTimeout as delay } from 'node:timers/promises'
import {
  type LimitState,
  type ManifestChanged,
  type ManifestView,
  manifestChanged,
  manifestView,
} from '@bzzz/protocols'
import type { NodeClient } from './client.ts'
import { plain } from './terminal.ts'

// Nodes that are up confirm within a round trip and a write.
const SETTLE_MS = 6_000
const LOOK_MS = 150

/** What a change came to, once those that are reached have confirmed it, or some seconds are over. */
export async function settled(client: NodeClient, changed: ManifestView, signal: AbortSignal): Promise<ManifestView> {
  const untilMs = performance.now() + SETTLE_MS
  let seen = changed
  while (!isSettled(seen, changed.version) && performance.now() < untilMs) {
    await delay(LOOK_MS, undefined, { signal })
    seen = await client.get('agents', '/api/manifest', manifestView, { signal })
  }
  return seen
}

function isSettled({ nodes }: ManifestView, version: number): boolean {
  return nodes.every(({ confirmed, online }) => confirmed >= version || !online)
}

/**
 * Before anybody is asked: with the words that say no, when it cannot be.
 * @throws {CliError}
 */
export async function checked(
  client: NodeClient,
  change: 'limits' | 'adopt' | 'remove',
  body: object,
  { yes }: { readonly yes?: boolean },
): Promise<ManifestChanged | undefined> {
  if (yes === true) return undefined
  return await client.post(`/api/manifest/${change}`, { ...body, dry_run: true }, manifestChanged)
}

/** A raise after a restore begins later than others; undefined: it begins at once. */
export function laterRaise({ raises_from, limits }: ManifestView, dim: LimitState['dim']): string | undefined {
  const from = raises_from?.[dim]
  const isToCome =
    from !== undefined && limits.some((limit) => limit.running && limit.dim === dim && limit.period < from)
  return isToCome
    ? `from ${from.slice(from.indexOf(':') + 1)} (UTC) on: the owner key was restored, and no ${dim} that ran then gets more`
    : undefined
}

/** What is to be done for nodes whose ledgers the manifest does not know. */
export function adoptLines(due: readonly string[]): string[] {
  return due.map((node) => {
    const name = plain(node)
    return `${name} works with a new ledger, and has no part of the limits until this is said where the owner key is: bzzz budget adopt ${name}`
  })
}

/** One line for each running and coming period. */
export function limitLines({ limits, nodes, version }: ManifestView, dim?: LimitState['dim']): string[] {
  return limits.flatMap((limit) =>
    dim === undefined || limit.dim === dim ? [`  ${limitLine(limit, { nodes, version })}`] : [],
  )
}

type Confirming = Pick<ManifestView, 'nodes' | 'version'>

function limitLine(limit: LimitState, confirming: Confirming): string {
  const { limit_usd, given_usd, spent_usd, left_usd, running } = limit
  if (!running) return `${whenOf(limit)} ${inDollars(limit_usd)}, ${confirmedWords(limit, confirming)}`
  const spent =
    spent_usd === null
      ? 'what was spent is not known here'
      : `${inDollars(spent_usd)} of ${inDollars(limit_usd)} spent or held`
  const { may_exceed_by_usd } = limit
  const above =
    may_exceed_by_usd > 0 ? `; ${inDollars(may_exceed_by_usd)} above the limit had been given out before` : ''
  return `${whenOf(limit)} at most ${inDollars(left_usd ?? given_usd)} more (${spent}${above})`
}

function whenOf({ dim, running }: LimitState): string {
  if (dim === 'day') return running ? 'today          ' : 'from tomorrow  '
  return running ? 'this month     ' : 'from next month'
}

function confirmedWords(limit: LimitState, { nodes, version }: Confirming): string {
  const waiting = new Set(limit.waiting_for)
  const confirmed = nodes.filter(
    (node) => !waiting.has(node.node_id) && (node.confirmed >= version || waiting.size > 0),
  ).length
  return `confirmed by ${confirmed} of ${nodes.length}${excessWords(limit, nodes)}`
}

function excessWords({ may_exceed_by_usd, waiting_for }: LimitState, nodes: ManifestView['nodes']): string {
  if (may_exceed_by_usd <= 0) return ''
  const away = waiting_for.map((name) => {
    const isAway = nodes.some(({ node_id, online }) => node_id === name && !online)
    return `${plain(name)} ${isAway ? 'away' : 'has not confirmed'}`
  })
  const words = `may exceed it by ${inDollars(may_exceed_by_usd)}`
  return away.length === 0 ? ` (${words})` : ` (${away.join(', ')}: ${words})`
}

/** Limits are made of dollars and cents; less is shown as it is. */
export function inDollars(amount: number): string {
  return amount === 0 || amount >= 0.01 ? `$${amount.toFixed(2)}` : `$${amount.toFixed(6)}`
}
