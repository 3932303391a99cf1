import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentsAnswer, messagesAnswer, peersAnswer } from '@bzzz/protocols'
import { createClient, type NodeClient } from 'bzzz'
import { vi } from 'vitest'
import type { Job } from '../cli/node-process.ts'
import { foundTestMesh, startTestNode, type TestNode } from '../node/nodes.ts'
import { type HeldModel, startHeldModel } from './held-model.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'

/** A node in a process of its own whose data directory is a small disk, its one peer on an ordinary disk, and their model. */
export interface Lab {
  readonly disk: SmallDisk
  readonly model: HeldModel
  /** In this process; has no agents. */
  readonly peer: TestNode
  /** Resolves once the peer knows its agent. */
  start(): Promise<Walnut>
  close(): Promise<void>
}

export interface Walnut {
  readonly job: Job
  readonly client: NodeClient
  /** @returns status 0 when nobody answers */
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly answer: unknown }>
  /** Lines of its log so far. */
  log(): Record<string, unknown>[]
}

const DISK_MEGABYTES = 8
const MODEL = 'house-large'
const PATIENCE = { timeout: 30_000, interval: 50 }

export async function openLab(): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-full-'))
  const pricesFile = join(directory, 'prices.json')
  const row = { model: MODEL, provider: 'house', input: '0.50', output: '2.00', window: 128_000 }
  const models = [{ ...row, date: '2026-11-22', source: 'a test' }]
  await writeFile(pricesFile, JSON.stringify({ currency: 'USD', unit: 'per million tokens', models }))
  const { members } = await foundTestMesh(directory, { members: [['walnut', 'reviewer'], ['ironwood']], pricesFile })
  const [founded, other] = members.map((member) => member.directory) as [string, string]
  const disk = await openSmallDisk(DISK_MEGABYTES)
  await cp(founded, disk.outside('walnut'), { recursive: true })
  const model = await startHeldModel()
  const peer = await startTestNode('ironwood', other, { pricesFile })

  return {
    disk,
    model,
    peer,
    async start() {
      const flags = ['--base-url', model.baseUrl, '--model', MODEL, '--log-level', 'info']
      const env = { OPENAI_API_KEY: 'sk-of-a-test', OPENAI_MAX_TOKENS: '1500', BZZZ_PRICES_FILE: pricesFile }
      const job = disk.start(['up', '--json', '--data-dir', `${disk.directory}/walnut`, ...flags], env)
      const running = JSON.parse(await job.line())
      await vi.waitFor(() => knowsAgent(peer), PATIENCE)
      return walnut(job, running, (await readFile(disk.outside('walnut', 'token'), 'utf8')).trim())
    },
    async close() {
      await peer.node.close()
      await model.close()
      await disk.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function walnut(job: Job, running: NodeClient['running'], token: string): Walnut {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return {
    job,
    client: createClient(running, token),
    async post(path, body) {
      const sent = fetch(new URL(path, running.agents_url), { method: 'POST', headers, body: JSON.stringify(body) })
      const response = await sent.catch(() => undefined) // the door is shut already
      return { status: response?.status ?? 0, answer: await response?.json() }
    },
    log: () =>
      job
        .stderr()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
  }
}

async function knowsAgent({ client }: TestNode): Promise<void> {
  const { agents } = await client.get('agents', '/api/agents', agentsAnswer)
  if (agents.some(({ status }) => status !== 'offline')) return
  const peers = await client.get('node', '/api/peers', peersAnswer)
  throw new Error(`ironwood knows no live agent: ${JSON.stringify({ agents, peers })}`)
}

/** What a node holds of a thread. */
export async function thread(client: NodeClient, id: string): Promise<{ ids: string[]; heads: string[] }> {
  const { messages, heads } = await client.get('agents', `/api/conversations/${id}/messages`, messagesAnswer)
  return { ids: messages.map((message) => message.id), heads }
}
