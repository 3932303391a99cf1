import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { conversationsAnswer } from '@bzzz/protocols'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bzzz, type Ended } from '../cli/bzzz.ts'
import { meshFormed, openTestMesh, type TestMesh, type TestNode } from '../node/nodes.ts'

const here = fileURLToPath(new URL('../..', import.meta.url))
/** With its parent; a merge may change nothing. Empty in a checkout that has no such commit. */
const newest = spawnSync('git', ['log', '--no-merges', '--min-parents=1', '-1', '--format=%P..%H'], {
  cwd: here,
  encoding: 'utf8',
}).stdout.trim()
const EXIT_CODES = { approved: 0, changes_requested: 10, escalated: 20, paused: 30 }

let directory: string
/** Two commits: a cart, and a way to price it that evaluates what it is given. */
let repository: string
let patch: string
let mesh: TestMesh
let node: TestNode

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-this-'))
  repository = join(directory, 'shop')
  await mkdir(repository)
  git('init', '--quiet')
  await commit('cart.js', 'export const items = []\n')
  await commit('price.js', 'export function price(formula) {\n  return eval(formula)\n}\n')
  patch = git('diff', 'HEAD~1', 'HEAD')
  await writeFile(join(directory, 'price.patch'), patch)
  mesh = await openTestMesh({
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
      ['acacia', 'security'],
    ],
    flags: { provider: 'offline' },
  })
  node = mesh.nodes[0] as TestNode
  await meshFormed(mesh, 3)
})

afterAll(async () => {
  await mesh?.close()
  await rm(directory, { recursive: true, force: true })
})

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=ana', '-c', 'user.email=ana@example']
  return execFileSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8' })
}

async function commit(file: string, content: string): Promise<void> {
  await writeFile(join(repository, file), content)
  git('add', file)
  git('commit', '--quiet', '--message', `add ${file}`)
}

function review(change: string, ...more: string[]): Promise<Ended> {
  return bzzz(['review', change, '--repo', repository, '--data-dir', node.directory, ...more], { cwd: directory })
}

/** The one JSON object that a command printed, and nothing beside it. */
function only({ stdout, stderr }: Ended): Record<string, unknown> {
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

async function threadCount(): Promise<number> {
  return (await node.client.get('agents', '/api/conversations', conversationsAnswer)).total
}

const evalFinding = {
  severity: expect.any(String),
  file: 'price.js',
  line: 2,
  rule: expect.stringContaining('eval'),
  agent: expect.stringMatching(/^\w+@12D3/),
  verified: true,
}

describe('by the command line, on three running nodes', { timeout: 60_000 }, () => {
  test('a range ends with a verdict, in one JSON object and the exit code', async () => {
    const ended = await review('HEAD~1..HEAD', '--json')
    const result = only(ended)
    expect(ended.code).toBe(10)
    expect(result).toMatchObject({
      verdict: 'changes_requested',
      thread: expect.stringMatching(/^[0-9a-f-]{36}$/),
      findings: expect.arrayContaining([expect.objectContaining(evalFinding)]),
      coverage: [{ file: 'price.js', reviewed_by: ['architect', 'reviewer', 'security'], reason: null }],
      spent_usd: expect.any(Number),
      simulated: true,
    })
    expect(result.spent_usd).toBeGreaterThan(0)
  })

  test('of a patch file, people read who reviews, what was found where, what it cost, and that no model took part', async () => {
    const { code, stdout, stderr } = await review('price.patch')
    expect({ code, stderr }).toEqual({ code: 10, stderr: '' })
    expect(stdout).toMatch(/^thread \S+: 1 files of shop$/m)
    expect(stdout).toMatch(/^ {2}security on acacia with offline-rules \(simulated\)$/m)
    expect(stdout).toMatch(/^CHANGES REQUESTED/m)
    expect(stdout).toMatch(/price\.js:2 /)
    expect(stdout).toMatch(/1 of 1 files read by architect, reviewer, security/)
    expect(stdout).toContain('Simulated: offline rules at play-money prices; no language model took part.')
  })

  test('a patch on standard input is reviewed like a range', async () => {
    const args = ['review', '-', '--json', '--repo', repository, '--data-dir', node.directory]
    const ended = await bzzz(args, { stdin: patch })
    expect(only(ended)).toMatchObject({
      verdict: 'changes_requested',
      findings: expect.arrayContaining([expect.objectContaining(evalFinding)]),
    })
    expect(ended.code).toBe(10)
  })

  test('a dry run names seats, files and the highest possible cost, and opens nothing', async () => {
    const before = await threadCount()
    const { code, stdout, stderr } = await review('HEAD~1..HEAD', '--dry-run')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^shop: 1 files, \d+ bytes; at most 3 rounds, 900 s a seat$/m)
    expect(stdout).toMatch(/^security +security +acacia +offline-rules \(simulated\)$/m)
    expect(stdout).toMatch(/^highest possible cost: \$\d+\.\d{4} /m)
    expect(await threadCount()).toBe(before)
  })

  test('a cap that runs out pauses the review, and after the wait the limit is named in figures', async () => {
    const ended = await review('HEAD~1..HEAD', '--budget', '0.018', '--wait', '1s', '--json')
    const result = only(ended)
    expect(ended.code).toBe(30)
    expect(result).toMatchObject({ verdict: 'paused' })
    expect(result.reason).toMatch(/\$0\.0\d+.*\$\d+\.\d+/)
  })

  test.each([[[]], [['--dry-run']]])(
    'a cap that no call fits under is refused before anything is opened: %j',
    async (more) => {
      const before = await threadCount()
      const { code, stdout, stderr } = await review('HEAD~1..HEAD', '--budget', '0.01', ...more)
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
      expect(stderr).toMatch(/^bzzz: .*smallest cap with which each seat can make one call is \$0\.0\d+\.\n$/)
      expect(await threadCount()).toBe(before)
    },
  )

  test('a role that nobody takes is refused before anything is opened', async () => {
    const before = await threadCount()
    const { code, stdout, stderr } = await review('HEAD~1..HEAD', '--required', 'architect,poet')
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toMatch(/^bzzz: .*poet.*\n$/)
    expect(await threadCount()).toBe(before)
  })

  test.skipIf(newest === '')(
    'the newest commit of this very repository that is no merge is reviewed (skipped in a checkout without one)',
    async () => {
      const args = ['review', newest, '--repo', here, '--data-dir', node.directory, '--json']
      const ended = await bzzz(args, { cwd: here })
      const result = only(ended)
      const verdict = result.verdict as keyof typeof EXIT_CODES
      expect(['approved', 'changes_requested', 'escalated']).toContain(verdict)
      expect(ended.code).toBe(EXIT_CODES[verdict])
      for (const finding of result.findings as Record<string, unknown>[])
        expect(finding).toMatchObject({
          severity: expect.stringMatching(/^(critical|high|medium|low|info)$/),
          file: expect.any(String),
          line: expect.any(Number),
          rule: expect.any(String),
          agent: expect.stringContaining('@'),
          verified: true,
        })
      expect(result.coverage).not.toEqual([])
    },
  )
})

test('with --local no node is needed, and nothing is left behind', { timeout: 60_000 }, async () => {
  const temporary = join(directory, 'temporary')
  const home = join(directory, 'home')
  await mkdir(temporary)
  await mkdir(home)
  const ended = await bzzz(['review', 'HEAD~1..HEAD', '--repo', repository, '--local', '--json'], {
    env: { TMPDIR: temporary, HOME: home },
  })
  expect(only(ended)).toMatchObject({
    verdict: 'changes_requested',
    findings: expect.arrayContaining([expect.objectContaining(evalFinding)]),
  })
  expect(ended.code).toBe(10)
  expect([await readdir(temporary), await readdir(home), git('status', '--porcelain')]).toEqual([[], [], ''])
})
