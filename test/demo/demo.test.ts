import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'

const answerKey = fileURLToPath(new URL('../../fixtures/answer-key.json', import.meta.url))

interface Planted {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly findable_by_rules: boolean
}

let temporary: string

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'bzzz-demo-test-'))
})

afterEach(() => rm(temporary, { recursive: true, force: true }))

test('the demo proves itself: equal threads and bills, a killed node loses nothing, a dead one is not voted for', async () => {
  const { code, stdout, stderr } = await bzzz(['demo', '--json'], { env: { TMPDIR: temporary } })
  expect(stderr).toBe('')
  const result = JSON.parse(stdout)

  expect(result).toMatchObject({
    verdict: 'changes_requested',
    converged: true,
    simulated: true,
    limit_usd: 1,
    proven: true,
  })
  expect(result.nodes).toHaveLength(3)
  const [first, ...others] = result.nodes
  for (const node of others)
    expect(node).toMatchObject({ heads: first.heads, entries: first.entries, spent_usd: first.spent_usd })
  expect(new Set(result.nodes.map((node: { peer_id: string }) => node.peer_id)).size).toBe(3)
  expect(result.spent_usd).toBe(first.spent_usd)
  expect(result.spent_usd).toBeGreaterThan(0)
  expect(result.kill_test).toEqual({ killed: 'acacia', verdict: 'approved', converged: true, findings: 0 })
  expect(result.absent_test).toEqual({ verdict: 'escalated', reason: 'security absent' })

  const { faults } = JSON.parse(await readFile(answerKey, 'utf8')) as { faults: Planted[] }
  const place = ({ file, line, rule }: Omit<Planted, 'findable_by_rules'>) => `${file}:${line} ${rule}`
  const findable = faults.filter((fault) => fault.findable_by_rules).map(place)
  expect(result.findings.map(place).sort()).toEqual(findable.sort())
  expect(await readdir(temporary)).toEqual([])
  expect(code).toBe(0)
}, 120_000)
