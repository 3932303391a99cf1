import { availableParallelism } from 'node:os'
import { type Crew, openCrew } from './crew.ts'
import { HELP, optionsOf, type SimOptions } from './options.ts'
import { simulate } from './run.ts'
import { mutantTable, policyTable } from './tables.ts'
import type { SimTerms } from './terms.ts'
import { add, noTotals, summaryOf, type Totals } from './totals.ts'

/** A mutant's batch ends when it was noticed in so many runs. */
const NOTICED_ENOUGH = 3

process.exitCode = await main(process.argv.slice(2))

/** @returns 0 when nothing went wrong with the shipped rules, and something with each mutant */
async function main(argv: readonly string[]): Promise<number> {
  const options = parsed(argv)
  if (options instanceof Error) return say(process.stderr, `${options.message}\n\n${HELP}`, 2)
  if (options === 'help') return say(process.stdout, HELP, 0)
  return options.trace ? traced(options) : counted(options)
}

function parsed(argv: readonly string[]): SimOptions | 'help' | Error {
  try {
    return optionsOf(argv, availableParallelism())
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error
    throw error
  }
}

async function traced({ policies, mutants, ...options }: SimOptions): Promise<number> {
  const [policy = 'escrow'] = policies
  const terms = { ...options, policy, mutant: mutants[0] ?? null }
  const { violations } = await simulate(terms, (line) => process.stdout.write(`${line}\n`))
  return say(process.stdout, `${violations.length} violations\n`, violations.length === 0 ? 0 : 1)
}

async function counted(options: SimOptions): Promise<number> {
  const crew = openCrew(options.workers)
  const stop = { asked: false }
  const interrupt = (): void => {
    stop.asked = true
  }
  process.once('SIGINT', interrupt)
  const all: Totals[] = []
  try {
    for (const policy of options.policies) {
      for (const mutant of options.mutants) {
        if (!stop.asked) all.push(await batch(crew, options, { policy, mutant }, stop))
      }
    }
  } finally {
    process.off('SIGINT', interrupt)
    crew.close()
  }
  report(all, options)
  return all.every(isAsItShouldBe) && !stop.asked ? 0 : 1
}

async function batch(
  crew: Crew,
  { nodes, demand, faults, weather, seed, runs }: SimOptions,
  what: Pick<SimTerms, 'policy' | 'mutant'>,
  stop: { readonly asked: boolean },
): Promise<Totals> {
  const shared = { nodes, demand, faults, weather, ...what }
  const totals = noTotals(shared)
  const startedMs = performance.now()
  function* list(): Generator<SimTerms> {
    for (let next = seed; next < seed + runs; next += 1) yield { ...shared, seed: next }
  }
  let wrong = 0
  await crew.run(list(), ({ result, cpuMs }) => {
    add(totals, result, cpuMs)
    if (result.violations.length > 0) wrong += 1
    if (totals.runs % 50 === 0) progress(totals, runs, performance.now() - startedMs)
    return !stop.asked && (what.mutant === null || wrong < NOTICED_ENOUGH)
  })
  return totals
}

function progress({ terms, runs, over }: Totals, wanted: number, elapsedMs: number): void {
  const left = Math.round(((elapsedMs / runs) * (wanted - runs)) / 1_000)
  const what = terms.mutant ?? terms.policy
  process.stderr.write(`${what}, ${terms.nodes} nodes: ${runs} of ${wanted} runs, ${over} over, ${left} s to go\n`)
}

function report(all: readonly Totals[], { json, seed, demand, faults, weather, nodes }: SimOptions): void {
  if (json) {
    const rows = all.map((totals) => ({ ...summaryOf(totals), ...totals.terms, seed }))
    say(process.stdout, `${JSON.stringify(rows.length === 1 ? rows[0] : rows, null, 2)}\n`, 0)
    return
  }
  const isMutants = all.some(({ terms }) => terms.mutant !== null)
  const cpuMs = all.map((totals) => summaryOf(totals).cpu_ms_per_run).join(' and ')
  const head = `${nodes} nodes, demand ${demand} of the limit, faults: ${faults}, seeds from ${seed}, ${cpuMs} ms of processor time a run`
  say(process.stdout, `${head}\n\n${isMutants ? mutantTable(all) : policyTable(all)}`, 0)
  for (const { terms, firstWrong } of all) {
    if (firstWrong === undefined || terms.policy === 'naive' || terms.mutant !== null) continue
    const again = `npm run sim -- --seed ${firstWrong.seed} --runs 1 --nodes ${nodes} --demand ${demand} --faults ${faults}${weather === null ? '' : ` --weather ${weather}`}`
    say(process.stdout, `\nseed ${firstWrong.seed}: ${firstWrong.words}\n${again} --policy escrow --trace\n`, 0)
  }
}

function isAsItShouldBe({ terms, wrong }: Totals): boolean {
  if (terms.policy === 'naive') return true
  return terms.mutant === null ? wrong.size === 0 : wrong.size > 0
}

function say(stream: NodeJS.WriteStream, text: string, code: number): number {
  stream.write(text)
  return code
}
