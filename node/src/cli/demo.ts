import { type Command, InvalidArgumentError } from 'commander'
import { readPriceTable } from '../config/prices.ts'
import type { Lab } from '../demo/lab.ts'
import { type CommandContext, configFor, examples } from './context.ts'
import { reportText } from './report.ts'
import { progressLines } from './review.ts'
import { dollars, styled } from './terminal.ts'

interface DemoCommandOptions {
  readonly json?: boolean
  readonly baseUrl?: string
  readonly model?: string
  readonly budget?: number
  readonly keep?: boolean
}

export function addDemoCommand(program: Command, context: CommandContext): void {
  program
    .command('demo')
    .description('the main job on this machine: three nodes review a change, one is killed, and nothing is lost')
    .option(
      '--base-url <url>',
      'an OpenAI-compatible endpoint instead of the offline rules, e.g. http://127.0.0.1:11434/v1',
    )
    .option('--model <name>', 'its model')
    .option('--budget <dollars>', 'limit of the day for all three nodes together (default 1.00)', amount)
    .option('--keep', 'leave the nodes running until Ctrl-C, and say how to reach them')
    .option('--json', 'print one JSON object at the end and nothing else')
    .addHelpText(
      'after',
      examples(
        'npm run demo',
        'npm run demo -- --json',
        'npm run demo -- --base-url http://127.0.0.1:11434/v1 --model llama3.1',
        'OPENAI_API_KEY=… npm run demo -- --budget 0.50',
      ),
    )
    .action((options: DemoCommandOptions) => demo(options, context))
}

/** With nothing to say for so long, it says that it is still at it. */
const QUIET_MS = 1_500

async function demo(options: DemoCommandOptions, context: CommandContext): Promise<void> {
  const { runDemo } = await import('../demo/demo.ts')
  const { terminal } = context
  const quiet = options.json === true
  const started = context.now()
  let lastMs = started
  const say = (text: string) => {
    lastMs = context.now()
    if (!quiet) terminal.out(text)
  }
  const breath = setInterval(() => {
    if (context.now() - lastMs >= QUIET_MS)
      say(styled(terminal, 'dim', `  … ${Math.round((context.now() - started) / 1000)} s`))
  }, QUIET_MS / 2)
  const withModel =
    options.baseUrl !== undefined || options.model !== undefined || (context.env.OPENAI_API_KEY ?? '') !== ''
  if (!withModel)
    say(
      'Offline: rules instead of a language model, at play-money prices. No key, no database, no network beyond loopback.',
    )
  const { values } = configFor(context, {}, { openai_model: options.model })
  const local = withModel && options.baseUrl !== undefined && isOnThisMachine(options.baseUrl)
  const priced = (await readPriceTable(values)).prices.has(values.openai_model)
  const pricing = { ...values, local_model: values.local_model || (local && !priced) }
  if (pricing.local_model)
    say(`${values.openai_model} has no price and its server is on this machine: taken as a local model, priced $0.`)
  const result = await runDemo({
    model: withModel ? { baseUrl: options.baseUrl, name: options.model } : undefined,
    budgetUsd: options.budget ?? 1,
    env: { ...demoEnvironment(context.env), BZZZ_LOCAL_MODEL: String(pricing.local_model) },
    pricing,
    now: context.now,
    randomBytes: context.randomBytes,
    signal: context.signal,
    chapter: (title) => say(`\n${styled(terminal, 'bold', title)}`),
    line: say,
    progress: () => progressLines({ terminal: { ...terminal, out: say }, now: context.now }),
    report: (end) => say(`\n${reportText(terminal, end)}`),
    ...(options.keep === true ? { keep: (lab) => keepRunning(lab.nodes, context, say, breath) } : {}),
  }).finally(() => clearInterval(breath))
  context.setExitCode(result.proven ? 0 : 1)
  if (quiet) terminal.out(JSON.stringify(result, null, 2))
  say(
    `\n${styled(terminal, ['bold', result.proven ? 'green' : 'red'], result.proven ? 'Proven' : 'NOT proven')} in ${Math.round((context.now() - started) / 1000)} s: the first review cost ${dollars(result.spent_usd)}${result.simulated ? ' of play money' : ''}, of a limit of ${dollars(result.limit_usd)}; nothing left behind.`,
  )
}

function isOnThisMachine(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname)
}

/** Prices, and which of sources and compiled files are run. */
const KEPT: ReadonlySet<string> = new Set(['BZZZ_PRICES_FILE', 'BZZZ_RUN'])

/** The nodes get the model's key and nothing of the caller's own node. */
function demoEnvironment(env: CommandContext['env']): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(BZZZ_|DAILY_COST_LIMIT|MONTHLY_COST_LIMIT|NODE_ROLE)/.test(name) || KEPT.has(name),
  )
  return Object.fromEntries(kept)
}

async function keepRunning(
  nodes: Lab['nodes'],
  context: CommandContext,
  say: (text: string) => void,
  breath: NodeJS.Timeout,
): Promise<void> {
  clearInterval(breath)
  say('\nThe nodes go on until Ctrl-C:')
  for (const node of nodes)
    say(
      `  ${node.label}: ${node.client.running.node_url} ${node.client.running.agents_url}  bzzz status --data-dir ${node.directory}`,
    )
  if (context.signal.aborted) return
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }))
}

function amount(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 10_000)) throw new InvalidArgumentError('dollars above 0, e.g. 0.50.')
  return value
}
