import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CostsBreakdown, costsBreakdown } from '@bzzz/protocols'
import { foundMesh, readPriceTable } from 'bzzz'
import { bzzz } from '../cli/bzzz.ts'
import { startTestNode, type TestNode } from '../node/nodes.ts'

/** Dollars a million tokens. */
export const PRICE = { input: 0.5, output: 2 }
export const MODEL = 'house-large'
export const PATCH = `diff --git a/cart.js b/cart.js
--- a/cart.js
+++ b/cart.js
@@ -1 +1,2 @@
 export const total = 0
+export const count = 0
`

export interface Lab {
  readonly directory: string
  /** A mesh of one, with a role and an agent for each of the names. */
  open(label: string, roles: readonly string[], settings: NodeSettings): Promise<TestNode>
  /** As a user sees it: the command line in a process of its own, until it ends. */
  review(node: TestNode, role: string): Promise<Reviewed>
  close(): Promise<void>
}

interface NodeSettings {
  readonly flags: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

export interface Reviewed {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What the node's ledger says of it. */
  readonly ledger: CostsBreakdown['by_thread'][number]
}

export async function openLab(): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-faults-'))
  const pricesFile = join(directory, 'prices.json')
  const row = { model: MODEL, provider: 'house', ...PRICE, window: 128_000, date: '2026-11-22', source: 'a test' }
  await writeFile(pricesFile, JSON.stringify({ currency: 'USD', unit: 'per million tokens', models: [row] }))
  await writeFile(join(directory, 'cart.patch'), PATCH)
  const opened: TestNode[] = []

  return {
    directory,

    async open(label, roles, { flags, env = {} }) {
      const home = join(directory, label)
      await found(home, label, pricesFile)
      await mkdir(join(home, 'config'), { recursive: true })
      const own = roles.map((name) => ({ name, system_prompt: 'Read the change.' }))
      await writeFile(join(home, 'config', 'custom-agent-roles.json'), JSON.stringify({ roles: own }))
      const common = { agents: roles.join(','), max_agents: 32, openai_model: MODEL, openai_max_tokens: 500 }
      const node = await startTestNode(label, home, { flags: { ...common, ...flags }, env, pricesFile })
      opened.push(node)
      return node
    },

    async review(node, role) {
      const args = ['--required', role, '--wait', '1s', '--data-dir', node.directory]
      const ended = await bzzz(['review', join(directory, 'cart.patch'), ...args])
      const thread = /^thread (\S+):/.exec(ended.stdout)?.[1]
      const { by_thread } = await node.client.get('agents', '/api/costs/breakdown', costsBreakdown)
      const ledger = by_thread.find(({ name }) => name === thread)
      if (ledger === undefined) throw new Error(`no call was held for ${role}: ${ended.stdout}${ended.stderr}`)
      return { ...ended, ledger }
    },

    async close() {
      await Promise.all(opened.map(({ node }) => node.close()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function found(directory: string, label: string, pricesFile: string): Promise<void> {
  await foundMesh({
    directory,
    network: label,
    members: [
      {
        label,
        agents: [],
        role: 'node',
        addr: '/ip4/127.0.0.1/tcp/0',
        settings: { p2p_host: '127.0.0.1', p2p_port: 0, http_port: 0, mcp_port: 0, log_level: 'error' },
      },
    ],
    dailyUsd: 10,
    monthlyUsd: 100,
    perAgentDailyUsd: null,
    thresholds: { warning: 0.8, critical: 0.95 },
    prices: await readPriceTable({ prices_file: pricesFile, local_model: false, openai_model: MODEL }),
    now: Date.now,
    randomBytes,
  })
}
