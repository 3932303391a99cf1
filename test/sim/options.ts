import { parseArgs } from 'node:util'
import { mutantNames } from './mutants.ts'
import type { SimTerms } from './terms.ts'
import { WEATHERS } from './weather.ts'

export const HELP = `npm run sim [-- options]

Simulates two days of a mesh in virtual time: the shipped budget code, on a network that loses and repeats messages and
falls apart, on disks that lose what was not synced, are lost or put back, with clocks that differ, while limits and members
change. What a provider billed may never exceed a limit.

In some runs a machine is copied and both go on, which no rule can keep from spending its part again until a peer has seen both:
that is counted apart, as "by a twin", and only as far as the records of the two allow. What providers bill above the bound of
a call is counted apart as well, as "overrun".

  --nodes N          3
  --runs N           200 of each policy
  --policy NAME      escrow (what is shipped) or naive (check the replicated total, call, add); default: both
  --mutant NAME      breaks a rule on purpose: ${mutantNames().slice(0, 7).join(', ')},
                     ${mutantNames().slice(7).join(', ')}; all: each of them, until it is noticed
  --seed N           of the first run; 1
  --demand X         what all calls would cost, as a part of the limit; 1.2, without faults 0.8
  --faults KIND      none or full; full
  --weather NAME     what each run is mostly about: ${WEATHERS.join(', ')}; default: drawn, most of them usual ones
  --workers N        processes at once; one for each processor
  --trace            what happens in one run, line by line
  --json             sums for programs

A run that went wrong: npm run sim -- --seed N --runs 1 --nodes N --policy escrow --trace
`

export interface SimOptions extends Omit<SimTerms, 'policy' | 'mutant'> {
  readonly policies: readonly SimTerms['policy'][]
  readonly mutants: readonly (string | null)[]
  readonly runs: number
  readonly workers: number
  readonly trace: boolean
  readonly json: boolean
}

/** @throws {TypeError} for an option that is not there @throws {RangeError} for a value that makes no sense */
export function optionsOf(argv: readonly string[], processors: number): SimOptions | 'help' {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...{ nodes: text, runs: text, policy: text, mutant: text, seed: text, demand: text, faults: text, workers: text },
      weather: text,
      ...{ trace: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    },
  })
  if (values.help === true) return 'help'
  const faults = oneOf(values.faults ?? 'full', ['none', 'full'] as const, '--faults')
  const trace = values.trace === true
  return {
    nodes: wholeNumber(values.nodes ?? '3', '--nodes'),
    runs: trace ? 1 : wholeNumber(values.runs ?? '200', '--runs'),
    seed: wholeNumber(values.seed ?? '1', '--seed'),
    workers: wholeNumber(values.workers ?? `${processors}`, '--workers'),
    demand: positive(values.demand ?? (faults === 'none' ? '0.8' : '1.2'), '--demand'),
    weather: values.weather === undefined ? null : oneOf(values.weather, WEATHERS, '--weather'),
    ...{ faults, trace, json: values.json === true },
    ...whatIsRun(values.policy, values.mutant, trace),
  }
}

function whatIsRun(
  policy: string | undefined,
  mutant: string | undefined,
  trace: boolean,
): Pick<SimOptions, 'policies' | 'mutants'> {
  if (mutant === 'all') return { policies: ['escrow'], mutants: mutantNames() }
  if (mutant !== undefined) return { policies: ['escrow'], mutants: [oneOf(mutant, mutantNames(), '--mutant')] }
  const named = policy === undefined ? undefined : oneOf(policy, ['naive', 'escrow'] as const, '--policy')
  if (named !== undefined) return { policies: [named], mutants: [null] }
  return { policies: trace ? ['escrow'] : ['naive', 'escrow'], mutants: [null] }
}

function oneOf<T extends string>(value: string, known: readonly T[], option: string): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw new RangeError(`${option} ${value}: known are ${known.join(', ')}`)
  return found
}

function wholeNumber(value: string, option: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`${option} ${value}: a whole number, from 1`)
  return number
}

function positive(value: string, option: string): number {
  const number = Number(value)
  if (!(number > 0 && number <= 100)) throw new RangeError(`${option} ${value}: a number above 0, to 100`)
  return number
}
