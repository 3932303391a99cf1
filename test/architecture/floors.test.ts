import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { floors, violations } from './floors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const temporary: string[] = []

afterEach(async () => {
  for (const directory of temporary.splice(0)) await rm(directory, { recursive: true, force: true })
})

test('imports go down the floors, and nothing goes round in a circle', async () => {
  expect(await violations(root)).toEqual([])
})

test('an import up, an import sideways, a circle and an import of the own index are each found', async () => {
  const house = await houseWith({
    'packages/threads/src/a.ts': "import { b } from '../../agents/src/b.ts'\nexport const a = b\n",
    'packages/agents/src/b.ts': 'export const b = 1\n',
    'packages/budget/src/c.ts': "import { d } from '../../threads/src/d.ts'\nexport const c = d\n",
    'packages/threads/src/d.ts': 'export const d = 1\n',
    'node/src/e.ts': "import { f } from './f.ts'\nexport const e = (): unknown => f\n",
    'node/src/f.ts': "import { e } from './e.ts'\nexport const f = (): unknown => e\n",
    'protocols/src/index.ts': 'export const g = 1\n',
    'protocols/src/h.ts': "import { g } from './index.ts'\nexport const h = g\n",
  })
  const found = (await violations(house)).map(({ rule, from }) => `${rule}: ${from}`)
  expect(found).toContain('floor-of-packages/threads: packages/threads/src/a.ts')
  expect(found).toContain('floor-of-packages/budget: packages/budget/src/c.ts')
  expect(found).toContain('no-own-index: protocols/src/h.ts')
  expect(found.filter((line) => line.startsWith('no-cycles'))).not.toEqual([])
})

test('mesh may name the types of a room beside it, and no more', async () => {
  const house = await houseWith({
    'packages/agents/src/b.ts': 'export type B = 1\nexport const b = 1\n',
    'packages/mesh/src/types.ts': "import type { B } from '../../agents/src/b.ts'\nexport type C = B\n",
    'packages/mesh/src/values.ts': "import { b } from '../../agents/src/b.ts'\nexport const c = b\n",
  })
  expect((await violations(house)).map(({ from }) => from)).toEqual(['packages/mesh/src/values.ts'])
})

async function houseWith(files: Readonly<Record<string, string>>): Promise<string> {
  const house = await mkdtemp(join(tmpdir(), 'bzzz-house-'))
  temporary.push(house)
  for (const room of floors.flat()) await mkdir(join(house, room, 'src'), { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(house, path)), { recursive: true })
    await writeFile(join(house, path), text)
  }
  return house
}
