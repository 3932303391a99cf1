import { afterAll, beforeAll, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { openTestMesh, startTestNode, type TestMesh, type TestNode } from '../node/nodes.ts'

let mesh: TestMesh
let walnut: TestNode
/** Belongs to the same mesh, and has been given the secret of another. */
let ironwood: TestNode

beforeAll(async () => {
  mesh = await openTestMesh({ members: [['walnut'], ['ironwood']], flags: { provider: 'offline' } })
  const [first, second] = mesh.nodes as [TestNode, TestNode]
  walnut = first
  await second.node.close()
  ironwood = await startTestNode('ironwood', second.directory, {
    flags: { provider: 'offline' },
    env: { BZZZ_NETWORK_SECRET: '7'.repeat(64) },
  })
})

afterAll(async () => {
  await ironwood?.node.close()
  await mesh?.close()
})

test('`bzzz peers` says of a node with another secret that it was reached and gave no answer, and `status` that nobody is', {
  timeout: 60_000,
}, async () => {
  const words =
    /^ironwood +offline .* reached \/ip4\/127\.0\.0\.1\/tcp\/\d+, no answer: wrong secret, or not a bzzz node$/m
  const peers = async () => (await bzzz(['peers', '--data-dir', walnut.directory])).stdout
  await expect.poll(peers, { timeout: 20_000, interval: 500 }).toMatch(words)
  const { code, stdout } = await bzzz(['status', '--data-dir', walnut.directory])
  expect(code).toBe(69)
  expect(stdout).toContain('isolated: no peer is reached')
})
