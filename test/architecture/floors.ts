import { cruise, type ICruiseResult, type IFlattenedRuleSet } from 'dependency-cruiser'

/**
 * The floors of the house, lowest first. A room may import from the rooms of lower floors only: never up, never
 * sideways. `mesh` may name the types of any room, since its ports are filled by them.
 */
export const floors: readonly (readonly string[])[] = [
  ['protocols', 'packages/store'],
  ['packages/threads', 'packages/budget'],
  ['packages/agents', 'packages/mesh'],
  ['node'],
  ['test'],
]

export interface Violation {
  readonly rule: string
  readonly from: string
  readonly to: string
}

/** @param root folder that holds the rooms @returns every import that breaks a rule */
export async function violations(root: string): Promise<Violation[]> {
  const { output } = await cruise([...floors.flat()], {
    validate: true,
    ruleSet: rules(),
    baseDir: root,
    exclude: { path: '(^|/)(dist|node_modules)/' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['bzzz-src', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  })
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }))
}

function rules(): IFlattenedRuleSet {
  return {
    forbidden: [
      { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
      ...floors.flatMap((floor, level) => floor.map((room) => floorRule(room, level))),
      {
        name: 'no-own-index',
        severity: 'error',
        from: { path: '^(packages/[^/]+|protocols|node)/src/(?!index)' },
        to: { path: '^$1/src/index[.]ts$' },
      },
    ],
  }
}

function floorRule(
  room: string,
  level: number,
): IFlattenedRuleSet['forbidden'] extends (infer R)[] | undefined ? R : never {
  const forbidden = floors.flatMap((floor, other) => (other >= level ? floor.filter((name) => name !== room) : []))
  const typesAllowed = room === 'packages/mesh' ? { dependencyTypesNot: ['type-only' as const] } : {}
  return {
    name: `floor-of-${room}`,
    severity: 'error',
    from: { path: `^${room}/src/` },
    to: { path: `^(${forbidden.join('|')})/`, ...typesAllowed },
  }
}
