import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChangeSet } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { verifyFinding } from '../../src/change/evidence.ts'
import { readRange } from '../../src/change/range.ts'
import { createOfflineProvider } from '../../src/offline/provider.ts'
import type { FindingsReply } from '../../src/review/replies.ts'
import { temporaryFolder } from '../change/repository.ts'
import { findingsRequest } from './request.ts'

interface Fault {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly severity: string
  readonly role: string
  readonly findable_by_rules: boolean
}
type Name = 'clean' | 'faults' | 'disagree'

const FIXTURES = join(import.meta.dirname, '../../../../fixtures')
const KEY: Record<Name, Fault[]> = JSON.parse(readFileSync(join(FIXTURES, 'answer-key.json'), 'utf8'))
const ROLES = ['architect', 'reviewer', 'security']
const signal = new AbortController().signal

async function open(name: Name): Promise<ChangeSet> {
  const repository = temporaryFolder()
  execFileSync('git', ['clone', '--quiet', join(FIXTURES, `${name}.bundle`), repository])
  return readRange({ repository, range: 'origin/main..origin/change', signal })
}

async function review(
  change: ChangeSet,
  role: string,
): Promise<(Omit<Fault, 'findable_by_rules'> & { verified: boolean })[]> {
  const provider = createOfflineProvider({ temporaryDirectory: temporaryFolder() })
  const { reply } = await provider.complete(findingsRequest(role, change), { signal })
  const { findings } = JSON.parse(reply) as FindingsReply
  return findings.map((claim) => {
    const { file, line, rule, severity, verified } = verifyFinding(change, claim)
    return { file, line, rule, severity, role, verified }
  })
}

function sorted<T extends { file: string; line: number }>(faults: T[]): T[] {
  return faults.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
}

test.each<Name>(['clean', 'faults', 'disagree'])(
  'on %s, the roles find exactly what the answer key says that rules find',
  async (name) => {
    const change = await open(name)
    const found = (await Promise.all(ROLES.map((role) => review(change, role)))).flat()
    const expected = KEY[name].flatMap(({ file, line, rule, severity, role, findable_by_rules }) =>
      findable_by_rules ? [{ file, line, rule, severity, role, verified: true }] : [],
    )
    expect(sorted(found)).toEqual(sorted(expected))
  },
)

test('the key also names faults that only a reader finds, on lines of the change', async () => {
  const change = await open('faults')
  const hidden = KEY.faults.filter((fault) => !fault.findable_by_rules)
  expect(hidden.length).toBeGreaterThanOrEqual(4)
  for (const { file, line } of hidden) {
    const lines = change.files.find(({ path }) => path === file)?.hunks.flatMap((hunk) => hunk.lines)
    expect(lines).toContainEqual(expect.objectContaining({ kind: 'added', line }))
  }
})

test('the bundles are what build.mjs makes of the patches', () => {
  const folder = temporaryFolder()
  execFileSync(process.execPath, [join(FIXTURES, 'build.mjs'), folder])
  const heads = (bundle: string) => execFileSync('git', ['bundle', 'list-heads', bundle], { encoding: 'utf8' })
  for (const name of Object.keys(KEY))
    expect(heads(join(folder, `${name}.bundle`))).toBe(heads(join(FIXTURES, `${name}.bundle`)))
})
