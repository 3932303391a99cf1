import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createdSyncToken, syncInfo } from '@bzzz/protocols'
import { createClient } from 'bzzz'
import { expect, onTestFinished, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { startJob } from '../cli/node-process.ts'
import { startLaptop } from './laptop.ts'
import { newThread, nodeShows } from './place.ts'

const ANY_PORT = ['--http-port', '0', '--mcp-port', '0', '--p2p-port', '0']

test('a token made on the command line lets a laptop in, whose words are shown with the node that vouches', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-laptop-cli-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const command = async (...args: string[]) => {
    const { code, stdout, stderr } = await bzzz([...args, '--data-dir', directory])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }
  await command('init')
  const node = startJob(['up', '--json', '--data-dir', directory, ...ANY_PORT])
  onTestFinished(() => node.kill())
  const running = JSON.parse(await node.line())
  const client = createClient(running, (await readFile(join(directory, 'token'), 'utf8')).trim())
  const { thread, url } = await newThread({ client })

  const created = createdSyncToken.parse(JSON.parse(await command('token', 'create', '--name', 'alice', '--json')))
  const told = await fetch(`${running.agents_url}/sync/info?token=${created.token}`)
  const laptop = await startLaptop(created.sync_url, syncInfo.parse(await told.json()))
  onTestFinished(() => laptop.kill())
  await laptop.tell({ do: 'open', url })
  await laptop.shows('the beginning')
  await laptop.tell({ do: 'append', entry: { content: 'from the laptop' } })
  await nodeShows({ client }, thread, 'the beginning', 'from the laptop')

  const shown = await command('thread', 'show', thread)
  expect(shown).toContain(url)
  expect(shown).toMatch(/human:alice via laptop of \S+ message: from the laptop/)
  expect(await command('token', 'list')).toContain(created.id)
  await command('token', 'revoke', created.id)
  await laptop.disconnected()
  expect(await command('token', 'list')).not.toContain(created.id)
  expect(node.stderr()).not.toContain(created.token)
})
