import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryView, type MessagesAnswer, messagesAnswer, postedAnswer } from '@bzzz/protocols'
import { expect } from 'vitest'
import { concurrently } from '../bench/interleaved.ts'
import { foundTestMesh } from '../node/nodes.ts'
import { type NodeToKill, nodeToKill } from './node-to-kill.ts'
import type { Point } from './point-names.ts'
import { type Random, seededRandom } from './random.ts'
import { isUnreachable, post } from './review.ts'

const AT_ONCE = 64
const THREADS = 3
/** More than any round gets to. */
const POSTS = 100_000
const PAGE = 1_000
/** Where an append can be when its process dies; `undefined`: from outside, wherever it is just then. */
const DEATHS: readonly (Point | undefined)[] = [
  undefined,
  'append:before',
  'append:after',
  'write:before',
  'write:during',
  'write:after',
]

export interface Killed {
  readonly rounds: number
  /** Entries that the node acknowledged, over all rounds. */
  readonly acknowledged: number
  /** Tried when it died, and not answered: found later all the same, or not. */
  readonly unanswered: { readonly kept: number; readonly lost: number }
}

/** One node, written to from many sides and killed, again and again on the same data: so often, or until the time is over. */
export async function killWhileAppending(most: number, seed: number, withinMs = Infinity): Promise<Killed> {
  const endMs = performance.now() + withinMs
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-kill-'))
  const random = seededRandom(seed)
  const { members } = await foundTestMesh(directory, { members: [['walnut']] })
  const [member] = members
  if (member === undefined) throw new RangeError('a mesh of none')
  const node = nodeToKill(member.label, member.directory, {})
  const told: Told = { acknowledged: new Map(), unanswered: new Map() }
  try {
    await node.start()
    const threads: string[] = []
    while (threads.length < THREADS) threads.push(await open(node, threads.length))
    let round = 0
    for (; round < most && performance.now() < endMs; round++) {
      const death = DEATHS[round % DEATHS.length]
      const where = `seed ${seed}, round ${round}, killed at ${death ?? 'any time'}`
      await dieWhileAppending(node, threads, death, random, told)
      await node.start()
      await expectAllThere(node, threads, told, where)
    }
    const kept = [...told.unanswered.values()].filter(Boolean).length
    const lost = told.unanswered.size - kept
    return { rounds: round, acknowledged: told.acknowledged.size, unanswered: { kept, lost } }
  } finally {
    await node.kill().catch(() => {}) // never started: nothing to kill
    await rm(directory, { recursive: true, force: true })
  }
}

/** By what each message says, which is one of a kind. */
interface Told {
  /** The id that the node answered with. */
  readonly acknowledged: Map<string, string>
  /** Whether it was found. */
  readonly unanswered: Map<string, boolean>
}

async function open({ client }: NodeToKill, number: number): Promise<string> {
  const { thread } = await client.post('/api/conversations', { topic: `Killed ${number}` }, postedAnswer)
  return thread
}

async function dieWhileAppending(
  node: NodeToKill,
  threads: readonly string[],
  death: Point | undefined,
  random: Random,
  { acknowledged, unanswered }: Told,
): Promise<void> {
  const from = acknowledged.size + unanswered.size
  // A write carries what came meanwhile, so there are fewer of them.
  const nth = 1 + random(death?.startsWith('write') ? AT_ONCE / 4 : 4 * AT_ONCE)
  let answers = 0
  if (death !== undefined) await node.arm(death, nth)
  await concurrently(POSTS, AT_ONCE, async (i) => {
    if (node.isGone) return
    const content = `message ${from + i}`
    try {
      acknowledged.set(content, await post(node, threads[i % THREADS] ?? '', content))
      answers += 1
      if (death === undefined && answers === nth) await node.kill()
    } catch (error) {
      if (!isUnreachable(error)) throw error
      unanswered.set(content, false)
    }
  })
}

async function expectAllThere(
  node: NodeToKill,
  threads: readonly string[],
  { acknowledged, unanswered }: Told,
  where: string,
): Promise<void> {
  const found = new Map<string, string[]>()
  for (const thread of threads) {
    for (const { content, id } of await messagesOf(node, thread))
      found.set(content, [...(found.get(content) ?? []), id])
  }
  const wrong = [...acknowledged].filter(([content, id]) => String(found.get(content)) !== id)
  expect(wrong, `${where}: acknowledged messages that are not there exactly once`).toEqual([])
  for (const content of unanswered.keys()) unanswered.set(content, found.has(content))
}

async function messagesOf({ client }: NodeToKill, thread: string): Promise<EntryView[]> {
  const messages: EntryView[] = []
  let after: string | null = ''
  while (after !== null) {
    const query: string = `limit=${PAGE}${after === '' ? '' : `&after=${after}`}`
    const page: MessagesAnswer = await client.get(
      'agents',
      `/api/conversations/${thread}/messages?${query}`,
      messagesAnswer,
    )
    messages.push(...page.messages)
    after = page.next
  }
  return messages
}
