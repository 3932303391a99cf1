import { manifestChanged, manifestView } from '@bzzz/protocols'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { meshFormed, openTestMesh, startTestNode, type TestMesh, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 50 }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await openTestMesh({
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
      ['acacia', 'security'],
    ],
    dailyUsd: 9,
  })
  await meshFormed(mesh, 3)
})
let back: TestNode | undefined
afterAll(async () => {
  await back?.node.close()
  await mesh.close()
})

const walnut = (): TestNode => {
  const [first] = mesh.nodes
  if (first === undefined) throw new Error('no node is up')
  return first
}
const standing = () => walnut().client.get('agents', '/api/manifest', manifestView)
const day = async () => (await standing()).limits.filter(({ dim }) => dim === 'day')

describe('the limit of a day', () => {
  test('is confirmed by all that are up as it was founded', async () => {
    await expect
      .poll(async () => (await standing()).nodes.map(({ confirmed, online }) => [confirmed, online]), PATIENCE)
      .toEqual([
        [1, true],
        [1, true],
        [1, true],
      ])
    expect(await standing()).toMatchObject({ version: 1, owner_key: 'here', contested: false })
  })

  test('is raised at once, with what it is more by for each', async () => {
    const body = { dim: 'day', direction: 'raise', amount_usd: 12 }
    const changed = await walnut().client.post('/api/manifest/limits', body, manifestChanged)
    expect(changed.status).toBe('signed')
    const [running] = await day()
    expect(running).toMatchObject({ running: true, limit_usd: 12, given_usd: 12, may_exceed_by_usd: 0 })
    await expect
      .poll(async () => (await day()).at(-1), PATIENCE)
      .toMatchObject({ limit_usd: 12, given_usd: 12, waiting_for: [] })
  })

  test('is lowered with words that say when it holds, and for whom not yet', async () => {
    const acacia = mesh.nodes[2] as TestNode
    await acacia.node.close()
    const offline = async () => (await standing()).nodes.find(({ node_id }) => node_id === 'acacia')?.online
    await expect.poll(offline, PATIENCE).toBe(false)
    const told = await bzzz(['budget', 'lower', 'day', '6', '--yes', '--data-dir', walnut().directory])
    expect(told).toMatchObject({ code: 0, stderr: '' })
    expect(told.stdout.split('\n')).toEqual([
      'the limit of a UTC day is $6.00, in version 3 of the manifest',
      expect.stringMatching(
        /^ {2}today +at most \$12\.00 more .*; \$6\.00 above the limit had been given out before\)$/,
      ),
      '  from tomorrow   $6.00, confirmed by 2 of 3 (acacia away: may exceed it by $2.00)',
      '',
    ])
    back = await startTestNode('acacia', acacia.directory, {})
    await expect
      .poll(async () => (await day()).at(-1), PATIENCE)
      .toMatchObject({ limit_usd: 6, given_usd: 6, waiting_for: [] })
  })

  test('of a month is not lowered below that of a day', async () => {
    const refused = await bzzz(['budget', 'lower', 'month', '5', '--data-dir', walnut().directory])
    expect(refused).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/limit of a day is \$6\.00: lower that first/),
    })
    expect(refused.stderr).not.toContain('--yes')
  })

  test('is not changed on a node without the key, which says where that is', async () => {
    const refused = await bzzz(['budget', 'lower', 'day', '5', '--data-dir', mesh.nodes[1]?.directory ?? ''])
    expect(refused).toMatchObject({ code: 78, stderr: expect.stringMatching(/data directory of walnut/) })
  })
})
