import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { ChangeError, readPatch, readRange } from '@bzzz/agents'
import { type ChangeSet, type ReviewPlan, type ReviewRequest, reviewPlan, reviewRequest } from '@bzzz/protocols'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readDuration } from '../config/duration.ts'
import type { NodeClient } from './client.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { CliError, exitCodes } from './exit.ts'
import { createLiveLines } from './live-lines.ts'
import { withLocalNode } from './local.ts'
import { exitCodeOf, reportText, resultOf } from './report.ts'
import { followReview, openReview, type ReviewProgress } from './review-session.ts'
import { dollars, plain, styled, table } from './terminal.ts'
import { entryLine } from './threads.ts'

interface ReviewOptions extends GlobalOptions {
  readonly repo: string
  readonly required: string[]
  readonly budget?: number
  readonly rounds: number
  readonly wait: number
  readonly seatTimeout: number
  readonly dryRun?: boolean
  readonly local?: boolean
}

export function addReviewCommand(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('review <change>'))
    .description('review a commit range, a patch file, or a patch on standard input (-) by the agents of the mesh')
    .option('--repo <directory>', 'the repository that the range is of', '.')
    .addOption(
      new Option('--required <roles>', 'roles that must agree, in the order in which they propose')
        .argParser(roles)
        .default(['architect', 'reviewer', 'security'], 'architect,reviewer,security'),
    )
    .option('--budget <dollars>', 'cap of this review', amount)
    .option('--rounds <n>', 'rounds of proposal and vote before a human is asked', wholeNumber, 3)
    .addOption(
      new Option('--wait <duration>', 'how long to wait while the budget pauses the review')
        .argParser(duration)
        .default(60_000, '60s'),
    )
    .addOption(
      new Option('--seat-timeout <duration>', 'how long a seat may be silent before it counts as absent')
        .argParser(duration)
        .default(900_000, '15m'),
    )
    .option('--dry-run', 'show the plan and the highest possible cost; open nothing')
    .option('--local', 'when no node runs, review on this machine alone')
    .addHelpText(
      'after',
      `${examples('bzzz review HEAD~1..HEAD', 'bzzz review main..feature --repo ../shop --budget 2.00', 'git diff | bzzz review -', 'bzzz review HEAD~1..HEAD --local --json')}
Exit codes: 0 approved, 10 changes requested, 20 escalated to a human, 30 paused by the budget, 64 and up usage or infrastructure.
`,
    )
    .action(async (change: string, options: ReviewOptions) => {
      const request = requestOf(await readChange(change, options, context), options)
      const run = (client: NodeClient) =>
        options.dryRun === true ? dryRun(client, request, options, context) : review(client, request, options, context)
      await (options.local === true
        ? withLocalNode(context, options, request.required, run)
        : run(await clientFor(context, options)))
    })
}

function requestOf(change: ChangeSet, options: ReviewOptions): ReviewRequest {
  const request = reviewRequest.safeParse({
    change,
    required: options.required,
    budget_usd: options.budget,
    rounds: options.rounds,
    seat_timeout_s: Math.max(1, Math.round(options.seatTimeout / 1000)),
    dry_run: options.dryRun === true,
  })
  if (request.success) return request.data
  const [issue] = request.error.issues
  const member = String(issue?.path[0] ?? '')
  throw new CliError(exitCodes.usage, 'USAGE', `${optionOf[member] ?? member}: ${issue?.message ?? 'wrong'}`)
}

const optionOf: Readonly<Record<string, string>> = {
  required: '--required',
  budget_usd: '--budget',
  rounds: '--rounds',
  seat_timeout_s: '--seat-timeout, in seconds',
}

async function readChange(change: string, options: ReviewOptions, context: CommandContext): Promise<ChangeSet> {
  const repository = resolve(context.cwd, options.repo)
  const named = { repository: basename(repository) || 'repository' } // the root has no name
  try {
    if (change === '-') return readPatch(await readAll(context.stdin), named)
    const file = await stat(resolve(context.cwd, change)).catch(() => undefined) // not a file: then it is a range
    if (file?.isFile() === true) {
      if (file.size > MAX_PATCH_BYTES) throw tooLarge(change)
      const { readFile } = await import('node:fs/promises')
      return readPatch(await readFile(resolve(context.cwd, change), 'utf8'), named)
    }
    return await readRange({ repository, range: change, signal: context.signal })
  } catch (error) {
    if (error instanceof ChangeError) throw new CliError(exitCodes.noInput, error.code, error.message, { cause: error })
    throw error
  }
}

/** Of a patch, before it is read: it bounds the memory that this takes, about ten times as much. */
const MAX_PATCH_BYTES = 32 * 1024 * 1024

function tooLarge(what: string): CliError {
  return new CliError(exitCodes.noInput, 'TOO_LARGE', `${what}: larger than 32 MiB; review a smaller range`)
}

async function readAll(input: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    text += chunk
    if (text.length > MAX_PATCH_BYTES) throw tooLarge('standard input')
  }
  return text
}

async function dryRun(
  client: NodeClient,
  request: ReviewRequest,
  options: ReviewOptions,
  context: CommandContext,
): Promise<void> {
  const plan = await client.post('/api/reviews', request, reviewPlan, { timeoutMs: 60_000, signal: context.signal })
  print(context, options, plan, () => planText(plan, context))
}

function planText(plan: ReviewPlan, context: CommandContext): string {
  const { terms } = plan
  return [
    `${plain(terms.change.repository)}: ${terms.change.files} files, ${terms.change.bytes} bytes; at most ${terms.rounds} rounds, ${terms.seat_timeout_s} s a seat`,
    table(
      context.terminal,
      ['role', 'agent', 'node', 'model'],
      terms.seats.map((seat) => [
        seat.role,
        seat.agent.split('@')[0] ?? '',
        seat.node_id,
        seat.simulated ? `${seat.model} (simulated)` : seat.model,
      ]),
    ),
    ...plan.omitted.map((file) => `not readable: ${plain(file.file)} (${plain(file.reason)})`),
    `highest possible cost: ${dollars(plan.bound_usd)} (every seat in every round, each call at its bound and repeated)`,
    ...clampLines(plan),
  ].join('\n')
}

function clampLines({ terms, bound_usd, day_limit_usd, least_cap_usd }: ReviewPlan): string[] {
  const cap = terms.budget_usd
  return [
    ...(cap !== null && cap < bound_usd ? [`  at most the cap of this review, ${dollars(cap)}`] : []),
    ...(day_limit_usd < bound_usd ? [`  in a day at most the limit of the mesh, ${dollars(day_limit_usd)}`] : []),
    ...(cap !== null && cap < least_cap_usd
      ? [
          `  each seat can make one call with a cap of ${dollars(least_cap_usd)}; with less, seats wait for one another's shares`,
        ]
      : []),
  ]
}

async function review(
  client: NodeClient,
  request: ReviewRequest,
  options: ReviewOptions,
  context: CommandContext,
): Promise<void> {
  const opened = await openReview(client, request, context.signal)
  const progress = options.json === true ? () => {} : progressLines(context)
  progress({ type: 'opened', opened })
  try {
    const end = await followReview(client, opened.thread, {
      signal: context.signal,
      waitMs: options.wait,
      now: context.now,
      progress,
      tokens: options.json !== true && context.terminal.draw !== undefined,
    })
    const result = resultOf(end)
    context.setExitCode(exitCodeOf(result))
    print(context, options, result, () => `\n${reportText(context.terminal, end)}`)
  } catch (error) {
    if (!context.signal.aborted) throw error
    context.terminal.err(
      options.local === true
        ? 'stopped: a review on this machine alone does not go on without this command'
        : `the review goes on without this command; see it with "bzzz thread follow ${opened.thread}"`,
    )
    context.setExitCode(exitCodes.interrupted)
  }
}

const QUIET_MS = 1_500

/**
 * One line an entry, and on a screen one that is rewritten for each seat whose model answers; while nothing comes, a line
 * every two seconds that says who is awaited.
 */
export function progressLines(context: Pick<CommandContext, 'terminal' | 'now'>): (step: ReviewProgress) => void {
  const { terminal } = context
  const live = createLiveLines(terminal)
  const started = context.now()
  let last = started
  const line = (text: string) => {
    last = context.now()
    live.out(text)
  }
  return (step) => {
    if (step.type === 'opened') {
      const { terms, thread } = step.opened
      line(`thread ${thread}: ${terms.change.files} files of ${plain(terms.change.repository)}`)
      for (const seat of terms.seats)
        line(
          `  ${seat.role} on ${plain(seat.node_id)} with ${plain(seat.model)}${seat.simulated ? ' (simulated)' : ''}`,
        )
    }
    if (step.type === 'entry') {
      live.end(step.entry)
      line(entryLine(terminal, step.entry))
    }
    if (step.type === 'tokens') {
      last = context.now()
      live.show(step.tokens)
    }
    if (step.type === 'end') live.clear()
    if (step.type === 'turn' && step.reason !== null)
      line(`  ${plain(step.agent.split('@')[0] ?? '')} ${step.state}: ${plain(step.reason)}`)
    if (step.type === 'tick' && context.now() - last >= QUIET_MS) {
      const awaited = step.report.seats
        .filter((seat) => seat.state !== 'done' && seat.state !== 'waiting')
        .map((seat) => `${seat.role} (${seat.state})`)
      line(
        styled(
          terminal,
          'dim',
          `  … ${Math.round((context.now() - started) / 1000)} s, ${step.report.phase ?? 'verdict'}${awaited.length === 0 ? '' : `: ${awaited.join(', ')}`}`,
        ),
      )
    }
  }
}

function roles(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.some((name) => !/^[a-z][a-z0-9_-]{0,63}$/.test(name)))
    throw new InvalidArgumentError('Give role names, separated by commas.')
  return names
}

function amount(text: string): number {
  const value = Number(/^\$?(\d+(?:\.\d{1,9})?)$/.exec(text)?.[1] ?? 0)
  if (value === 0) throw new InvalidArgumentError('Give dollars above 0, e.g. 2.00.')
  return value
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 to 999.')
  return Number(text)
}

/** @returns milliseconds */
export function duration(text: string): number {
  const ms = readDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('Give a duration, e.g. 60s or 5m.')
  return ms
}
