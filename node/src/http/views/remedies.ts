import { type FrozenModel, formatUsd, frozenModelWords, type Waiting } from '@bzzz/budget'
import type { Manifest, NanoUsd, Period, WhyAnswer } from '@bzzz/protocols'
import { endMs, type Part, type Standing } from './periods.ts'

export type Remedy = WhyAnswer['remedies'][number]

export interface Stuck {
  readonly calls: Waiting['calls']
  readonly periods: readonly Standing[]
  /** Of this node. */
  readonly uncertain: { readonly calls: number; readonly held: bigint }
  /** What calls of this node may be paused by, whatever is left. */
  readonly frozen: readonly FrozenModel[]
  readonly names: (peer: string) => string
  /** Before these nothing is raised, since the owner's key came back from a backup; null where it did not. */
  readonly restored: Manifest['restored']
}

/**
 * What would let calls go on, the quickest first. Figures are those of now: what others told may be a little old, and
 * what is asked of them is decided by them.
 */
export function remediesFor({ calls, periods, uncertain, frozen, names, restored }: Stuck): Remedy[] {
  const short = periods.flatMap((standing) => shortageOf(standing, calls) ?? [])
  return [
    ...frozen.map((model) => ({ words: frozenModelWords(model), command: null })),
    ...held(periods, uncertain, short.length > 0 || calls.length > 0),
    ...short.flatMap((shortage) => others(shortage, names)),
    ...short.flatMap((shortage) => raised(shortage, restored)),
    ...short.flatMap(nextPeriod),
  ]
}

interface Shortage {
  readonly standing: Standing
  /** What all that wait would take here. */
  readonly needed: bigint
  /** What they lack here. */
  readonly lacks: bigint
}

function shortageOf(standing: Standing, calls: Stuck['calls']): Shortage | undefined {
  const { period } = standing.own
  const claims = calls.filter(({ refusal }) => refusal.lacks.some((lack) => lack.period === period))
  const needed = claims.reduce((sum, { refusal }) => sum + refusal.needed, 0n)
  const left = leftIn(standing)
  return claims.length > 0 && needed > left ? { standing, needed, lacks: needed - left } : undefined
}

/** Below zero after an overrun: so much has to come before anything is left again. */
function leftIn({ own: { available, rights, spent, held } }: Standing): bigint {
  const uncharged = rights - spent - held
  return uncharged < 0n ? uncharged : available
}

function held(periods: readonly Standing[], uncertain: Stuck['uncertain'], wanted: boolean): Remedy[] {
  if (!wanted) return []
  const most = periods.reduce((sum, { own }) => (own.held > sum ? own.held : sum), 0n)
  const underWay = most > uncertain.held ? most - uncertain.held : 0n
  const settled: Remedy = {
    words: `${count(uncertain.calls, 'call')} of this node may have been billed and hold ${usd(uncertain.held)}: say what they cost`,
    command: 'bzzz budget settle --journal FILE',
  }
  const ended: Remedy = {
    words: `calls under way here hold ${usd(underWay)}: what they do not use comes back when they end`,
    command: null,
  }
  return [...(underWay > 0n ? [ended] : []), ...(uncertain.calls > 0 ? [settled] : [])]
}

/** Whoever is here is asked by itself; whoever is away may come back. */
function others({ standing }: Shortage, names: Stuck['names']): Remedy[] {
  const { period } = standing.own
  const rich = standing.parts.filter((part) => !part.own && part.unspent > 0n)
  const amount = (part: Part) => `${part.charged === null ? 'up to ' : ''}${usd(part.unspent)}`
  const here = rich.filter(({ online }) => online).map((part) => `${names(part.account.peer)} ${amount(part)}`)
  const away = rich.filter(({ online }) => !online)
  return [
    ...(here.length === 0
      ? []
      : [
          {
            words: `of ${labelOf(period)} there is left: ${here.join(', ')}; they are asked every few seconds`,
            command: null,
          },
        ]),
    ...away.map((part) => ({
      words: `${names(part.account.peer)} is away with ${amount(part)} of ${labelOf(period)}: it can give when it is back`,
      command: null,
    })),
  ]
}

const CENT = 10_000_000n

/** More than was given out has to be allowed: it may be above a limit that was lowered since. */
function raised({ standing, lacks, needed }: Shortage, restored: Stuck['restored']): Remedy[] {
  const { own, limit } = standing
  if (own.kind === 'thread') {
    const words = `the cap of this thread leaves ${usd(own.available)} here, and ${usd(needed)} is needed: open another with a larger cap`
    return [{ words, command: null }]
  }
  if (limit === null || (own.kind !== 'day' && own.kind !== 'month')) return []
  const before = own.kind === 'day' ? restored?.beforeDay : restored?.beforeMonth
  if (before !== undefined && own.period < before) {
    const words = `the limit of ${labelOf(own.period)} is not raised any more, since the owner key came back from a backup`
    return [{ words, command: null }]
  }
  const given = standing.parts.reduce((sum, { allotted }) => sum + allotted, 0n)
  const to = (((given > limit ? given : limit) + lacks + CENT - 1n) / CENT) * CENT
  const words = `${usd(lacks)} is missing of ${labelOf(own.period)}: raise the limit of ${usd(limit)}, on the machine with the owner key`
  return [{ words, command: `bzzz budget raise ${own.kind} ${usd(to).slice(1)}` }]
}

function nextPeriod({ standing }: Shortage): Remedy[] {
  const ends = endMs(standing.own.period)
  if (ends === null) return []
  return [
    {
      words: `the next ${standing.own.kind === 'month' ? 'month' : 'day'} begins at ${new Date(ends).toISOString().slice(0, 16)} UTC`,
      command: null,
    },
  ]
}

function labelOf(period: Period): string {
  return period.startsWith('t:') ? "this thread's cap" : period.slice(period.indexOf(':') + 1)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function usd(amount: bigint): string {
  return formatUsd(amount as NanoUsd)
}
