import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manifestView, nodeStatus } from '@bzzz/protocols'
import type { FoundedMesh } from 'bzzz'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { foundTestMesh, startTestNode, type TestMeshOptions, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 50 }

let directory: string
let founded: FoundedMesh
const running = new Map<string, TestNode>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-adopt-'))
})
afterEach(async () => {
  await Promise.all([...running.values()].map(({ node }) => node.close()))
  running.clear()
  await rm(directory, { recursive: true, force: true })
})

async function found(members: TestMeshOptions['members']): Promise<void> {
  founded = await foundTestMesh(directory, { members, dailyUsd: 8 })
  await Promise.all(founded.members.map(({ label }) => start(label)))
}

async function start(label: string): Promise<TestNode> {
  const node = await startTestNode(label, directoryOf(label), {})
  running.set(label, node)
  return node
}

/** The disk with its state is gone; its key was kept. */
async function loseLedger(label: string): Promise<void> {
  await running.get(label)?.node.close()
  running.delete(label)
  await rm(join(directoryOf(label), 'state'), { recursive: true })
}

function directoryOf(label: string): string {
  const member = founded.members.find((each) => each.label === label)
  if (member === undefined) throw new Error(`${label} was not founded`)
  return member.directory
}

const clientOf = (label: string) => (running.get(label) as TestNode).client
const standing = (label = 'walnut') => clientOf(label).get('agents', '/api/manifest', manifestView)
const confirmed = async () => (await standing()).nodes.map((node) => node.confirmed)
const next = async (dim: string) => (await standing()).limits.filter((limit) => limit.dim === dim).at(-1)
const budgetOf = async (label: string) => (await clientOf(label).get('node', '/api/status', nodeStatus)).budget
const owner = (...args: string[]) => bzzz([...args, '--data-dir', directoryOf('walnut')])

describe('a ledger that was lost', () => {
  test('is adopted: the new one has its part from tomorrow, and something at once', async () => {
    await found([['walnut'], ['ironwood'], ['acacia']])
    await expect.poll(confirmed, PATIENCE).toEqual([1, 1, 1])
    await loseLedger('acacia')
    await start('acacia')
    await expect.poll(async () => (await standing()).nodes.at(-1)?.online, PATIENCE).toBe(true)
    const asked = await owner('budget', 'adopt', 'acacia')
    expect(asked).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/attests that the old ledger of acacia is gone/),
    })
    const adopted = await owner('budget', 'adopt', 'acacia', '--yes')
    expect(adopted).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^acacia has its part with its new ledger/),
    })
    await expect.poll(() => budgetOf('acacia'), PATIENCE).toMatchObject({ available_usd: expect.closeTo(1.33, 1) })
    await expect.poll(() => next('day'), PATIENCE).toMatchObject({ given_usd: expect.closeTo(8), waiting_for: [] })
    expect(await confirmed()).toEqual([2, 2, 2])
  })

  test('is not adopted by what its node said before it went away, and at once when that is back', async () => {
    await found([['walnut'], ['ironwood']])
    await expect.poll(confirmed, PATIENCE).toEqual([1, 1])
    await loseLedger('ironwood')
    await expect.poll(async () => (await standing()).nodes.at(-1)?.online, PATIENCE).toBe(false)
    const adopt = () => owner('budget', 'adopt', 'ironwood', '--yes')
    const refusal = expect.stringMatching(/ironwood is not reached.*start it, then run this again/)
    expect(await adopt()).toMatchObject({ code: 64, stderr: refusal })
    await start('ironwood')
    const adopted = { code: 0, stdout: expect.stringMatching(/^ironwood has its part with its new ledger/) }
    expect(await adopt()).toMatchObject(adopted)
    await expect.poll(confirmed, PATIENCE).toEqual([2, 2])
  })

  test('of the only machine is given rights anew, by as much as the limits are raised', async () => {
    await found([['walnut']])
    await loseLedger('walnut')
    await start('walnut')
    const raise = await owner('budget', 'raise', 'day', '10', '--yes')
    expect(raise).toMatchObject({ code: 64, stderr: expect.stringMatching(/bzzz owner restore/) })
    const adopted = await owner('budget', 'adopt', 'walnut', '--reissue', '5', '--yes')
    expect(adopted.code).toBe(0)
    await expect.poll(() => budgetOf('walnut'), PATIENCE).toMatchObject({ available_usd: 5 })
    await expect.poll(() => next('day'), PATIENCE).toMatchObject({ limit_usd: 8, given_usd: 8, waiting_for: [] })
  })
})
