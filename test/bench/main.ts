import { parseArgs } from 'node:util'
import { isMet, type Row } from './rows.ts'

const HELP = `npm run bench [-- <suite> …] [--json]

Measures this program against the least that could do the same (raw gossipsub, raw LevelDB, a bare libp2p node), in the
same run on the same machine, three times in turns; medians. What counts is the ratio: times differ from machine to machine.

Suites: threads, budget, node (default: all)

  --json   rows for programs: name, value, unit, floor, ratio, aim

Examples:
  $ npm run bench
  $ npm run bench -- budget
  $ npm run -s bench -- --json
`

type Suite = (progress: (line: string) => void) => Promise<Row[]>
const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  threads: async () => (await import('./threads/suite.ts')).threadsSuite,
  budget: async () => (await import('./budget/suite.ts')).budgetSuite,
  node: async () => (await import('./node/suite.ts')).nodeSuite,
}

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const parsed = argumentsOf(argv)
  if (parsed instanceof Error) return refuse(parsed.message)
  const { values, positionals } = parsed
  if (values.help === true) return print(HELP)
  const names = positionals.length === 0 ? Object.keys(suites) : positionals
  const unknown = names.find((name) => suites[name] === undefined)
  if (unknown !== undefined)
    return refuse(`there is no suite "${unknown}"; known are ${Object.keys(suites).join(', ')}`)
  const rows: Row[] = []
  for (const name of names) {
    const suite = await suites[name]?.()
    const measured = (await suite?.((line) => process.stderr.write(`${line}\n`))) ?? []
    rows.push(...measured)
    if (values.json !== true) for (const row of measured) print(`${lineOf(row)}\n`)
  }
  if (values.json === true) print(`${JSON.stringify(rows, null, 2)}\n`)
  else print(`${rows.filter(isMet).length} of ${rows.length} rows are at their aim\n`)
  return 0
}

function argumentsOf(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    if (error instanceof TypeError) return error // an option that does not exist
    throw error
  }
}

function refuse(message: string): number {
  process.stderr.write(`bench: ${message} (see --help)\n`)
  return 64
}

function lineOf(row: Row): string {
  const { name, value, unit, floor, ratio, aim } = row
  const figures = `${value} ${unit} against ${floor}: ${ratio}`
  return `${name.padEnd(36)} ${figures.padEnd(44)} aim ${aim.padEnd(8)} ${isMet(row) ? 'met' : 'missed'}`
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}
