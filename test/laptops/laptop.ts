import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type CreatedSyncToken, createdSyncToken, type SyncInfo, syncInfo } from '@bzzz/protocols'
import { vi } from 'vitest'
import type { TestNode } from '../node/nodes.ts'
import type { Command, Told } from './client.ts'

const PROGRAM = fileURLToPath(new URL('client.ts', import.meta.url))
const WAIT_MS = 20_000
const MAX_LAST_WORDS = 2_000

type Notice = Told & { readonly told: 'notice' }

/** A stock automerge-repo client in a process of its own. */
export interface Laptop {
  /** Resolves once the program has done it, which is not when the node has it. */
  tell(command: Command): Promise<void>
  /** Resolves once the laptop shows these contents, in any order. */
  shows(...contents: readonly string[]): Promise<void>
  /** The next refusal or other notice. */
  notice(): Promise<Notice>
  /** Resolves once it has been told that the document is not there. */
  unavailable(): Promise<void>
  disconnected(): Promise<void>
  /** Resolves with the first message of the node since `after` began that says it has all that the laptop has. */
  acknowledged(after: () => Promise<void>): Promise<void>
  kill(): Promise<void>
}

export async function startLaptop(url: string, sponsor: Pick<SyncInfo, 'key' | 'author'>): Promise<Laptop> {
  const child = spawn(process.execPath, ['--conditions=bzzz-src', PROGRAM, url, JSON.stringify(sponsor)], {
    stdio: 'pipe',
  })
  let lastWords = ''
  child.stderr.on('data', (chunk) => (lastWords = `${lastWords}${chunk}`.slice(-MAX_LAST_WORDS)))
  let shown: readonly string[] = []
  let counts: Partial<Record<Told['told'], number>> = {}
  const notices: Notice[] = []
  const counted = (told: Told['told']) => counts[told] ?? 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as Told
    counts = { ...counts, [told.told]: counted(told.told) + 1 }
    if (told.told === 'entries') shown = told.contents
    if (told.told === 'notice') notices.push(told)
  })
  const until = (met: () => boolean, what: () => string) =>
    vi.waitFor(() => void (met() || fail(`${what()}; ${lastWords}`)), { timeout: WAIT_MS, interval: 10 })
  await until(
    () => counted('ready') > 0,
    () => 'the laptop did not start',
  )
  return {
    async tell(command) {
      const before = counted('done')
      child.stdin.write(`${JSON.stringify(command)}\n`)
      await until(
        () => counted('done') > before,
        () => `the laptop did not ${command.do}`,
      )
    },
    shows: (...contents) =>
      until(
        () => JSON.stringify([...shown].sort()) === JSON.stringify([...contents].sort()),
        () => `the laptop shows ${JSON.stringify(shown)}, not ${JSON.stringify(contents)}`,
      ),
    async notice() {
      await until(
        () => notices.length > 0,
        () => 'no notice came',
      )
      return notices.shift() ?? fail('no notice came')
    },
    unavailable: () =>
      until(
        () => counted('unavailable') > 0,
        () => 'the document was not refused',
      ),
    disconnected: () =>
      until(
        () => counted('disconnected') > 0,
        () => 'the laptop is still connected',
      ),
    async acknowledged(after) {
      const before = counted('acknowledged')
      await after()
      await until(
        () => counted('acknowledged') > before,
        () => 'nothing was acknowledged',
      )
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function fail(why: string): never {
  throw new Error(why)
}

export interface Holder {
  readonly created: CreatedSyncToken
  readonly info: SyncInfo
}

/** A token of this node, and what its holder is told. */
export async function tokenOf(
  { client }: Pick<TestNode, 'client'>,
  wanted: Record<string, unknown> = {},
): Promise<Holder> {
  const created = await client.post('/api/sync-tokens', { name: 'alice', ...wanted }, createdSyncToken)
  const url = new URL('/sync/info', client.running.agents_url)
  const answer = await fetch(url, { headers: { authorization: `Bearer ${created.token}` } })
  return { created, info: syncInfo.parse(await answer.json()) }
}
