import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPatch } from '@bzzz/agents'
import { nodeStatus, type ReviewReport, reviewOpened, reviewReport, reviewRequest } from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { foundTestMesh, keepTestNodes, meshFormed, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 100 }
const { start, stop, stopAll } = keepTestNodes({ flags: { provider: 'offline' } })
let folder: string
let walnut: TestNode
let ironwood: TestNode
let acacia: TestNode

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bzzz-copied-'))
  const { members } = await foundTestMesh(folder, {
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
      ['acacia', 'security'],
    ],
  })
  const nodes: TestNode[] = []
  for (const { label, directory } of members) nodes.push(await start(label, directory))
  ;[walnut, ironwood, acacia] = nodes as [TestNode, TestNode, TestNode]
  await meshFormed({ nodes, close: async () => undefined }, 3)
  await approved(ironwood, await open(ironwood, 'first'))
})

afterAll(async () => {
  await stopAll()
  await rm(folder, { recursive: true, force: true })
})

async function open({ client }: TestNode, name: string): Promise<string> {
  const change = readPatch(`--- /dev/null\n+++ b/${name}.js\n@@ -0,0 +1 @@\n+export const ${name} = 0\n`, {
    repository: 'shop',
  })
  const request = reviewRequest.parse({ change, required: ['architect', 'reviewer', 'security'] })
  return (await client.post('/api/reviews', request, reviewOpened)).thread
}

function report({ client }: TestNode, thread: string): Promise<ReviewReport> {
  return client.get('agents', `/api/reviews/${thread}`, reviewReport)
}

async function approved(by: TestNode, thread: string): Promise<void> {
  const look = async () => {
    const { state, seats } = await report(by, thread)
    if (state !== 'approved') throw new Error(`${state}: ${JSON.stringify(seats)}`)
  }
  await vi.waitFor(look, PATIENCE)
}

function budgetOf({ client }: TestNode): Promise<string> {
  return client.get('node', '/api/status', nodeStatus).then(({ budget }) => budget.state)
}

/** An agent of each role is there. */
async function seesAll(node: TestNode): Promise<void> {
  await meshFormed({ nodes: [node], close: async () => undefined }, 3)
}

test('a node whose older state was put back spends nothing of what it had, goes on by grants, and still shows its costs', async () => {
  await stop(acacia)
  const [state, older] = [join(acacia.directory, 'state'), join(folder, 'older')]
  await cp(state, older, { recursive: true })
  acacia = await start('acacia', acacia.directory)
  await stop(acacia)
  await rm(state, { recursive: true })
  await cp(older, state, { recursive: true })

  acacia = await start('acacia', acacia.directory)
  await seesAll(acacia)
  expect(await budgetOf(acacia)).toBe('no-rights')
  await approved(ironwood, await open(ironwood, 'second'))
  const { stdout } = await bzzz(['budget', 'show', '--by', 'agent', '--data-dir', acacia.directory])
  expect(stdout).toContain('security')
})

test('a copy of a node is found out with the node it was copied from, both stop spending, and a new ledger is the way out', async () => {
  await stop(walnut)
  const copy = join(folder, 'copy')
  await cp(walnut.directory, copy, { recursive: true })
  const settings = join(copy, 'bzzz.json')
  await writeFile(settings, JSON.stringify({ ...JSON.parse(await readFile(settings, 'utf8')), p2p_port: 0 }))

  walnut = await start('walnut', walnut.directory)
  await seesAll(walnut)
  const twin = await start('walnut', copy)
  for (const one of [walnut, twin]) await expect.poll(() => budgetOf(one), PATIENCE).toBe('frozen')
  const shown = await bzzz(['budget', 'show', '--data-dir', walnut.directory])
  expect(shown.stdout).toContain('run "bzzz budget new-ledger", start it again and have it adopted')
  expect(await budgetOf(ironwood)).toBe('ok')
  const thread = await open(ironwood, 'third')
  await expect
    .poll(async () => (await report(ironwood, thread)).seats.find(({ role }) => role === 'architect'), PATIENCE)
    .toMatchObject({ state: 'paused', reason: expect.stringContaining('bzzz budget new-ledger') })

  await stop(twin)
  const newLedger = ['budget', 'new-ledger', '--data-dir', walnut.directory]
  expect((await bzzz([...newLedger, '--yes'])).stderr).toContain('is in use by')
  await stop(walnut)
  expect(await bzzz(newLedger)).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('stop it and delete it first'),
  })
  expect(await bzzz([...newLedger, '--yes'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('bzzz budget adopt'),
  })

  walnut = await start('walnut', walnut.directory)
  await seesAll(walnut)
  expect(await budgetOf(walnut)).not.toBe('frozen')
  await approved(ironwood, thread)
})
