import { z } from 'zod'
import { agentName, type Period, type ThreadId, threadId } from './ids.ts'

export type Dimension = 'day' | 'month'

export type ParsedPeriod =
  | { kind: 'day'; label: string }
  | { kind: 'month'; label: string }
  | { kind: 'thread'; thread: ThreadId }
  | { kind: 'agent-day'; agent: string; label: string }

/** @param wallMs milliseconds since the epoch; the label is of the UTC day */
export function dayPeriod(wallMs: number): Period {
  return labelsAt(wallMs).day
}

export function monthPeriod(wallMs: number): Period {
  return labelsAt(wallMs).month
}

export function threadPeriod(thread: ThreadId): Period {
  return `t:${thread}` as Period
}

interface Labels {
  readonly day: Period
  readonly month: Period
}

const DAY_MS = 86_400_000
// Each call asks for the same few days many times over, and writing a date out is slow: the last ones are remembered.
const MAX_DAYS_REMEMBERED = 64
const daysRemembered = new Map<number, Labels>()

function labelsAt(wallMs: number): Labels {
  const day = Math.floor(wallMs / DAY_MS)
  const known = daysRemembered.get(day)
  if (known !== undefined) return known
  const date = new Date(wallMs).toISOString()
  const labels = { day: `d:${date.slice(0, 10)}` as Period, month: `m:${date.slice(0, 7)}` as Period }
  if (daysRemembered.size >= MAX_DAYS_REMEMBERED) daysRemembered.clear()
  daysRemembered.set(day, labels)
  return labels
}

/** An agent's day is enforced at its home alone, so this label never travels. */
export function agentDayPeriod(agent: string, wallMs: number): Period {
  return `a:${agent}:${new Date(wallMs).toISOString().slice(0, 10)}` as Period
}

// As with days: the same few are read again and again.
const MAX_PERIODS_REMEMBERED = 512
const periodsRemembered = new Map<string, ParsedPeriod>()

/** @returns not to be altered: it is given to everybody who asks for the same period */
export function parsePeriod(text: string): Readonly<ParsedPeriod> | undefined {
  const known = periodsRemembered.get(text)
  if (known !== undefined) return known
  const parsed = parsedPeriod(text)
  if (parsed === undefined) return undefined
  if (periodsRemembered.size >= MAX_PERIODS_REMEMBERED) periodsRemembered.clear()
  periodsRemembered.set(text, parsed)
  return parsed
}

function parsedPeriod(text: string): ParsedPeriod | undefined {
  const [kind, ...rest] = text.split(':')
  const value = rest.join(':')
  if (kind === 'd' && isDay(value)) return { kind: 'day', label: value }
  if (kind === 'm' && isDay(`${value}-01`)) return { kind: 'month', label: value }
  if (kind === 't') {
    const thread = threadId.safeParse(value)
    return thread.success ? { kind: 'thread', thread: thread.data } : undefined
  }
  if (kind === 'a' && rest.length === 2) {
    const [agent, label] = rest as [string, string]
    return agentName.safeParse(agent).success && isDay(label) ? { kind: 'agent-day', agent, label } : undefined
  }
  return undefined
}

function isDay(label: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(label)?.map(Number) ?? []
  if (year === undefined || month === undefined || day === undefined) return false
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

export const period = z
  .string()
  .max(128)
  .refine((text) => parsePeriod(text) !== undefined, { message: 'not a period' })
  .transform((text) => text as Period)

/** Periods whose sums leave a node: an agent's day stays at its home. */
export const sharedPeriod = period.refine((of) => parsePeriod(of)?.kind !== 'agent-day', {
  message: 'never leaves its node',
})
