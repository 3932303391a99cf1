import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeToKill } from '../crash/node-to-kill.ts'
import { foundTestMesh } from '../node/nodes.ts'
import { laptopWith, messagesOn, newThread, nodeShows } from './place.ts'

/** A laptop finds the node again where it was. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('an edit is there after the node was killed right after its answer, and what was written meanwhile follows', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-laptops-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const { members } = await foundTestMesh(directory, { members: [['walnut']] })
  const [{ label, directory: home } = { label: '', directory: '' }] = members
  const node = nodeToKill(label, home, { BZZZ_MCP_PORT: String(await freePort()) })
  await node.start()
  onTestFinished(() => node.kill())

  const { thread, url } = await newThread(node)
  const { laptop } = await laptopWith(node)
  await laptop.tell({ do: 'open', url })
  await laptop.shows('the beginning')
  await laptop.acknowledged(() => laptop.tell({ do: 'append', entry: { content: 'answered' } }))
  await node.kill()
  await laptop.disconnected()
  await laptop.tell({ do: 'append', entry: { content: 'while the node was down' } })
  await node.start()
  expect((await messagesOn(node, thread)).map(({ content }) => content)).toContain('answered')
  await nodeShows(node, thread, 'the beginning', 'answered', 'while the node was down')
})
