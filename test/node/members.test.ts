import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manifestView, nodeStatus, peersAnswer } from '@bzzz/protocols'
import type { FoundedMesh } from 'bzzz'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { foundTestMesh, startTestNode, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 50 }

let directory: string
let founded: FoundedMesh
const running = new Map<string, TestNode>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-members-'))
  founded = await foundTestMesh(directory, {
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
    ],
    dailyUsd: 8,
  })
  await Promise.all(founded.members.map(({ label, directory: at }) => start(label, at)))
})
afterAll(async () => {
  await Promise.all([...running.values()].map(({ node }) => node.close()))
  await rm(directory, { recursive: true, force: true })
})

async function start(label: string, at: string): Promise<TestNode> {
  const node = await startTestNode(label, at, {})
  running.set(label, node)
  return node
}

function nodeOf(label: string): TestNode {
  const node = running.get(label)
  if (node === undefined) throw new Error(`${label} is off`)
  return node
}

const walnut = () => nodeOf('walnut')
const at = (label: string) => ['--data-dir', nodeOf(label).directory]
const standing = () => walnut().client.get('agents', '/api/manifest', manifestView)
const confirmations = async () => (await standing()).nodes.map(({ node_id, confirmed }) => [node_id, confirmed])
const available = async (label: string) => (await nodeOf(label).client.get('node', '/api/status', nodeStatus)).budget

describe('a new machine', () => {
  test('joins as a node, with a part of what is left at once', async () => {
    const invited = await bzzz(['invite', '--node', '--label', 'acacia', ...at('walnut'), '--json'])
    expect(invited).toMatchObject({ code: 0 })
    const there = join(directory, 'acacia')
    const joined = await bzzz(['join', '-', '--data-dir', there, '--agents', 'security'], {
      stdin: JSON.parse(invited.stdout).token,
    })
    expect(joined).toMatchObject({ code: 0 })
    await start('acacia', there)
    await expect.poll(() => available('acacia'), PATIENCE).toMatchObject({ available_usd: expect.closeTo(2, 0) })
    await expect
      .poll(async () => (await standing()).limits.map(({ waiting_for }) => waiting_for.length), PATIENCE)
      .toEqual([0, 0, 0, 0])
    expect(await confirmations()).toEqual([
      ['walnut', 4],
      ['ironwood', 4],
      ['acacia', 4],
    ])
  })

  test('leaves with what it has not spent given away, and its directory says so', async () => {
    const acacia = nodeOf('acacia')
    const left = await bzzz(['leave', '--yes', ...at('acacia')])
    expect(left).toMatchObject({ code: 0, stdout: expect.stringMatching(/^left the mesh; the node stops/) })
    await acacia.node.left
    await acacia.node.close()
    running.delete('acacia')
    expect((await standing()).nodes.map(({ node_id }) => node_id)).toEqual(['walnut', 'ironwood'])
    await expect
      .poll(
        async () => (await available('walnut')).available_usd + (await available('ironwood')).available_usd,
        PATIENCE,
      )
      .toBeCloseTo(8)
    await expect(startTestNode('acacia', acacia.directory, {})).rejects.toMatchObject({ code: 'LEFT_MESH' })
  })

  test('is removed when it is off only where the operator says that it is destroyed', async () => {
    await nodeOf('ironwood').node.close()
    running.delete('ironwood')
    const peers = () => walnut().client.get('node', '/api/peers', peersAnswer)
    await expect.poll(async () => (await peers()).peers.map(({ state }) => state), PATIENCE).toEqual(['offline'])
    const refused = await bzzz(['remove', 'ironwood', '--yes', ...at('walnut')])
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringMatching(/--destroyed/) })
    const removed = await bzzz(['remove', 'ironwood', '--destroyed', '--yes', ...at('walnut')])
    expect(removed).toMatchObject({ code: 0 })
    expect((await standing()).nodes.map(({ node_id }) => node_id)).toEqual(['walnut'])
    const limits = (await standing()).limits
    expect(limits.find(({ dim, running }) => dim === 'day' && !running)).toMatchObject({
      given_usd: 8,
      may_exceed_by_usd: 0,
    })
  })
})
