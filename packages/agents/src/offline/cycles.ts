import { dirname, join } from 'node:path/posix'
import type { LintSource, RuleReport } from './lint-job.ts'
import type { ImportEdge } from './scripts.ts'

const RULE = 'bzzz/import-cycle'

/** Imports that lead back to the file they stand in, as far as the files at hand tell. */
export function findCycles(sources: readonly LintSource[], imports: readonly ImportEdge[]): RuleReport[] {
  const byPath = new Map(sources.map(({ path }, source) => [path, source]))
  const edges = imports.flatMap((edge) => {
    const target = resolveImport(sources[edge.source]?.path ?? '', edge.specifier, byPath)
    return target === undefined ? [] : [{ ...edge, target }]
  })
  const targets = Map.groupBy(edges, (edge) => edge.source)
  const next = (source: number): number[] => (targets.get(source) ?? []).map((edge) => edge.target)
  return edges.flatMap(({ source, line, target }) => {
    const way = shortestWay(target, source, next)
    if (way === undefined) return []
    const names = [source, ...way].map((index) => sources[index]?.path).join(' -> ')
    return [{ source, line, rule: RULE, severity: 'medium', message: `This import closes a cycle: ${names}.` }]
  })
}

// What a specifier may leave out, and the endings of compiled files that stand for their sources.
const ADDED_ENDINGS = [
  '',
  '.ts',
  '.tsx',
  '.mts',
  '.cts',
  '.js',
  '.jsx',
  '.mjs',
  '.cjs',
  '/index.ts',
  '/index.tsx',
  '/index.js',
]
const SOURCE_ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.js$/, '.ts'],
  [/\.jsx?$/, '.tsx'],
  [/\.mjs$/, '.mts'],
  [/\.cjs$/, '.cts'],
]

function resolveImport(from: string, specifier: string, byPath: ReadonlyMap<string, number>): number | undefined {
  const path = join(dirname(from), specifier)
  const sources = SOURCE_ENDINGS.map(([compiled, ending]) => path.replace(compiled, ending))
  const candidates = [...ADDED_ENDINGS.map((ending) => path + ending), ...sources]
  return byPath.get(candidates.find((candidate) => byPath.has(candidate)) ?? '')
}

/** Breadth first. @returns the nodes from `start` to `goal`, both included; undefined when there is no way */
function shortestWay(start: number, goal: number, next: (node: number) => readonly number[]): number[] | undefined {
  const cameFrom = new Map<number, number | undefined>([[start, undefined]])
  for (const node of cameFrom.keys()) {
    if (node === goal) return wayTo(node, cameFrom)
    for (const following of next(node)) if (!cameFrom.has(following)) cameFrom.set(following, node)
  }
  return undefined
}

function wayTo(goal: number, cameFrom: ReadonlyMap<number, number | undefined>): number[] {
  const way: number[] = []
  for (let node: number | undefined = goal; node !== undefined; node = cameFrom.get(node)) way.unshift(node)
  return way
}
