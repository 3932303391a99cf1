import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openTestMesh, type TestNode } from '../node/nodes.ts'
import { tokenOf } from './laptop.ts'
import { newThread, nodeShows } from './place.ts'

test('the example of the documentation does what it says', async () => {
  const mesh = await openTestMesh({ members: [['walnut']] })
  onTestFinished(() => mesh.close())
  const [node] = mesh.nodes as [TestNode]
  const { thread, url } = await newThread(node)
  const { created } = await tokenOf(node)
  const text = await readFile(new URL('../../docs/laptops.md', import.meta.url), 'utf8')
  const example = /```js\n(.*?)```/s.exec(text)?.[1] ?? ''
  const child = execFile(process.execPath, ['--conditions=bzzz-src', '--input-type=module', '--eval', example], {
    cwd: fileURLToPath(new URL('..', import.meta.url)), // where the packages are found that it names
    env: { ...process.env, NODE: node.client.running.agents_url, TOKEN: created.token, THREAD: url },
  })
  onTestFinished(() => void child.kill())
  let out = ''
  child.stdout?.on('data', (chunk) => (out += chunk))
  await nodeShows(node, thread, 'the beginning', 'Written on a laptop.')
  expect(out).toContain('the beginning')
})
