import { readFile } from 'node:fs/promises'
import { UNSENT_MS } from '@bzzz/budget'
import {
  MAX_SETTLEMENTS,
  type SettlementsAnswer,
  type SettlementView,
  settlementsAnswer,
  type UncertainAnswer,
  uncertainAnswer,
} from '@bzzz/protocols'
import { type Command, InvalidArgumentError } from 'commander'
import { type Billed, readJournal } from './billing-journal.ts'
import type { NodeClient } from './client.ts'
import { confirm } from './confirm.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { CliError, exitCodes } from './exit.ts'
import { dollars, plain } from './terminal.ts'

interface SettleOptions extends GlobalOptions {
  readonly cost?: string
  readonly notBilled?: boolean
  readonly journal?: string
  readonly restNotBilledBefore?: string
  readonly yes?: boolean
}

export function addSettle(budget: Command, context: CommandContext): void {
  withGlobalOptions(budget.command('settle [call]'))
    .description(
      'say what an uncertain call cost; final, and believed: what you say below the bill is a hole in the limit',
    )
    .option('--cost <dollars>', 'what the provider billed for the call', readCost)
    .option('--not-billed', 'the provider billed nothing for the call')
    .option('--journal <file>', 'settle what the provider lists: a line each of {"call": "…", "cost_usd": 0.0123}')
    .option(
      '--rest-not-billed-before <time>',
      'the journal is complete for requests sent before this time (2026-11-22T12:00:00Z): what it does not name was not billed',
      readTime,
    )
    .option('--yes', 'do not ask when a call cost more than was held for it')
    .addHelpText(
      'after',
      `\nEach request carries its call's id as "X-Client-Request-Id" and "Idempotency-Key"; "bzzz budget show --uncertain" lists those\nwhose outcome is not known here, with the provider's own id of the request. A call that is settled stays as it is.\n${examples(
        'bzzz budget settle 3f9a1c07 --cost 0.0123',
        'bzzz budget settle 3f9a1c07 --not-billed',
        'bzzz budget settle --journal billed.jsonl --rest-not-billed-before 2026-11-22T12:00:00Z',
      )}`,
    )
    .action(async (call: string | undefined, options: SettleOptions) => {
      const { journal } = options
      if ((call === undefined) === (journal === undefined)) throw usage('name either a call or --journal FILE')
      if (call !== undefined) return await settleOne(context, options, call)
      if (journal !== undefined) await settleJournal(context, options, journal)
    })
}

function usage(message: string): CliError {
  return new CliError(exitCodes.usage, 'USAGE', message)
}

function readCost(text: string): string {
  const cost = text.replace(/^\$/, '')
  if (/^\d{1,7}(\.\d{1,9})?$/.test(cost)) return cost
  throw new InvalidArgumentError('an amount of dollars, like 0.0123.')
}

function readTime(text: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new InvalidArgumentError('a time like 2026-11-22T12:00:00Z.')
  return new Date(ms).toISOString()
}

async function settleOne(context: CommandContext, options: SettleOptions, name: string): Promise<void> {
  const { cost, notBilled, restNotBilledBefore } = options
  if (restNotBilledBefore !== undefined) throw usage('--rest-not-billed-before goes with --journal')
  if ((cost === undefined) === (notBilled !== true)) throw usage('say either --cost or --not-billed')
  const client = await clientFor(context, options)
  const { call, heldUsd } = await callNamed(client, name)
  if (cost !== undefined && Number(cost) > heldUsd)
    await confirm(context, options, [
      `At most ${dollars(heldUsd)} was held for call ${call.slice(0, 12)}. If ${dollars(Number(cost))} was billed, the rest is above the limit, this model is`,
      'frozen on this node until its price is corrected, and the node makes no call until it has rights for that. It is final.',
    ])
  const answer = await settle(client, [{ call, cost: cost ?? '0' }])
  const [result] = answer.results
  if (result === undefined || result.status === 'refused') throw refused(result)
  print(context, options, answer, () => {
    const words = result.cost_usd === 0 ? 'was not billed' : `cost ${dollars(result.cost_usd)}`
    const held =
      result.status === 'settled' ? `; ${dollars(result.before_usd ?? 0)} was held for it` : ' (as was said before)'
    return `call ${call.slice(0, 12)} ${words}${held}`
  })
}

function refused(result: SettlementView | undefined): CliError {
  const exitCode = result?.code === 'unknown' ? exitCodes.noInput : exitCodes.usage
  return new CliError(exitCode, 'NOT_UNCERTAIN', `${result?.reason ?? 'the node did not say why'}; nothing has changed`)
}

interface Named {
  readonly call: string
  /** Infinite for a call that is not listed: the node knows what becomes of it. */
  readonly heldUsd: number
}

/** A whole id, or the beginning of one that is listed as uncertain. */
async function callNamed(client: NodeClient, name: string): Promise<Named> {
  const prefix = name.toLowerCase()
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) throw usage('a call is named by its id, or at least its first 4 digits')
  const { calls, node_id } = await uncertain(client)
  const [found, second] = calls.filter(({ call }) => call.startsWith(prefix))
  if (second !== undefined) throw usage(`several uncertain calls begin with ${prefix}; give more digits`)
  if (found !== undefined) return { call: found.call, heldUsd: found.held_usd }
  if (prefix.length === 64) return { call: prefix, heldUsd: Number.POSITIVE_INFINITY }
  const words = `no uncertain call of ${plain(node_id)} begins with ${prefix}; "bzzz budget show --uncertain" lists them`
  throw new CliError(exitCodes.noInput, 'CALL_UNKNOWN', words)
}

function uncertain(client: NodeClient): Promise<UncertainAnswer> {
  return client.get('agents', '/api/budget/uncertain', uncertainAnswer)
}

async function settle(client: NodeClient, billed: readonly Billed[]): Promise<SettlementsAnswer> {
  const settlements = billed.map(({ call, cost }) => ({ call, cost_usd: cost }))
  return client.post('/api/budget/settlements', { settlements }, settlementsAnswer, { timeoutMs: SETTLE_TIMEOUT_MS })
}

const SETTLE_TIMEOUT_MS = 60_000

async function settleJournal(context: CommandContext, options: SettleOptions, file: string): Promise<void> {
  if (options.cost !== undefined || options.notBilled === true) throw usage('the journal says what each call cost')
  const billed = readJournal(await textOf(file), file)
  const client = await clientFor(context, options)
  const results = await settleAll(client, billed)
  const before = options.restNotBilledBefore
  const rest = before === undefined ? [] : await settleRest(client, billed, before)
  const left = await uncertain(client)
  const value = {
    ...sumsOf(results),
    not_billed: sumsOf(rest),
    left: { calls: left.calls.length, held_usd: left.held_usd },
  }
  print(context, options, { ...value, results: [...results, ...rest] }, () => words(value, results, left).join('\n'))
}

/** Only that a request was held for is known: it may have left so much later. */
function sentBefore(reservedAt: string, before: string): boolean {
  return Date.parse(reservedAt) + UNSENT_MS <= Date.parse(before)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const words = `${file} cannot be read (${(cause as NodeJS.ErrnoException).code}); nothing was settled`
    throw new CliError(exitCodes.io, 'JOURNAL_UNREADABLE', words, { cause })
  }
}

async function settleAll(client: NodeClient, billed: readonly Billed[]): Promise<SettlementView[]> {
  const results: SettlementView[] = []
  for (let begin = 0; begin < billed.length; begin += MAX_SETTLEMENTS) {
    results.push(...(await settle(client, billed.slice(begin, begin + MAX_SETTLEMENTS))).results)
  }
  return results
}

/** Page by page, since a node tells only so many at once. */
async function settleRest(client: NodeClient, billed: readonly Billed[], before: string): Promise<SettlementView[]> {
  const named = new Set(billed.map(({ call }) => call))
  const results: SettlementView[] = []
  for (;;) {
    const { calls, more } = await uncertain(client)
    const rest = calls.filter(({ call, reserved_at }) => sentBefore(reserved_at, before) && !named.has(call))
    results.push(
      ...(await settleAll(
        client,
        rest.map(({ call }) => ({ call, cost: '0' })),
      )),
    )
    if (!more || rest.length === 0) return results
  }
}

function sumsOf(results: readonly SettlementView[]) {
  const settled = results.filter(({ status }) => status === 'settled')
  const count = (wanted: SettlementView['code']) => results.filter(({ code }) => code === wanted).length
  return {
    settled: settled.length,
    repeated: results.filter(({ status }) => status === 'repeated').length,
    held_usd: settled.reduce((sum, { before_usd }) => sum + (before_usd ?? 0), 0),
    cost_usd: settled.reduce((sum, { cost_usd }) => sum + cost_usd, 0),
    refused: {
      settled: count('settled'),
      in_flight: count('in-flight'),
      released: count('released'),
      unknown: count('unknown'),
    },
  }
}

function words(
  {
    settled,
    repeated,
    held_usd,
    cost_usd,
    refused,
    not_billed,
  }: ReturnType<typeof sumsOf> & { not_billed: ReturnType<typeof sumsOf> },
  results: readonly SettlementView[],
  left: UncertainAnswer,
): string[] {
  const known = results.filter(({ code }) => code === 'settled')
  const dearer = known.filter(({ cost_usd, before_usd }) => cost_usd > (before_usd ?? 0))
  const lines = [
    `settled ${settled} calls at ${dollars(cost_usd)}; ${dollars(held_usd)} was held for them`,
    not_billed.settled > 0 &&
      `settled ${not_billed.settled} more as not billed; ${dollars(not_billed.held_usd)} was held for them`,
    repeated > 0 && `${repeated} were settled so before`,
    refused.settled > 0 && `${refused.settled} had their cost already, and keep it`,
    ...dearer.slice(0, MAX_DEARER).map(({ call, cost_usd, before_usd }) => {
      return `  ${call.slice(0, 12)}: the journal says ${dollars(cost_usd)}, ${dollars(before_usd ?? 0)} is booked`
    }),
    dearer.length > MAX_DEARER && `  and ${dearer.length - MAX_DEARER} more above what is booked`,
    refused.in_flight > 0 && `${refused.in_flight} are under way, and settle by themselves`,
    refused.released > 0 && `${refused.released} were never sent by this node, and yet the journal names them`,
    refused.unknown > 0 && `${refused.unknown} are no calls of this node: settle them where they were made`,
    left.calls.length > 0 &&
      `${left.calls.length}${left.more ? ' or more' : ''} calls are still uncertain, at ${dollars(left.held_usd)}`,
  ]
  return lines.filter((line) => line !== false)
}

const MAX_DEARER = 10
