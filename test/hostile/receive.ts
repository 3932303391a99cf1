import type { PeerId, ThreadId } from '@bzzz/protocols'
import { openThreads, type ThreadFact, type Threads } from '@bzzz/threads'
import { expect, vi } from 'vitest'
import { openNode, optionsFor, repair, viewOf } from '../../packages/threads/test/place.ts'
import { seededRandom } from '../crash/random.ts'
import { type Block, longestBlock } from './blocked.ts'
import { type Input, inputs } from './inputs.ts'
import { Outcomes } from './outcomes.ts'
import { attacker, stranger, wordsOf, writeThread } from './place.ts'

const AT_ONCE = 64
/** What a slice of looking at what came, and the collection of garbage, may add to a loading. */
const BESIDES_MS = 50
/** What a member may well say: it changes nothing of what others said. */
const MAY_BE_APPLIED = ["another's entry id, and another's name", 'a mutant whose checksum and signature are right']

/** Sends so many inputs to one node, then looks at what is left of its threads. @returns a report for people */
export async function withstand(count: number, seed: number): Promise<string> {
  const facts: ThreadFact[] = []
  const isMember = (peer: PeerId) => peer !== stranger.peer
  const { threads, state, signer, by } = await openNode(1, { isMember, observe: (fact) => facts.push(fact) })
  const healthy = await writeThread(threads, by)
  const attacked = await writeThread(threads, by)
  const whole = await viewOf(threads, healthy.thread)
  const words = await wordsOf(threads, attacked, signer.peer)
  const sent = inputs({ healthy, attacked, attacker, stranger }, count, seededRandom(seed))
  facts.length = 0

  const outcomes = new Outcomes()
  const startedMs = performance.now()
  const blocked = await longestBlock(() => sendAll(threads, sent, outcomes))
  const tookMs = performance.now() - startedMs

  const after = await viewOf(threads, healthy.thread)
  expect(after.heads).toEqual(whole.heads)
  expect(after.entries).toEqual(whole.entries)
  expect(await wordsOf(threads, attacked, signer.peer)).toEqual(words)
  expectCounted(facts, outcomes)
  for (const { thread } of [healthy, attacked]) await threads.append(thread, by.message('still-working'))
  const copy = await openNode(2, { isMember })
  await repair(threads, copy.threads)
  for (const { thread } of [healthy, attacked]) await expectSame(threads, copy.threads, thread)

  expect(outcomes.kindsThatWere('applied').filter((kind) => !MAY_BE_APPLIED.includes(kind))).toEqual([])

  await threads.close()
  const loading = await timeOfLoading(() => openThreads({ ...optionsFor(state, signer), isMember }), attacked.thread)
  const report = `${count} inputs in ${tookMs.toFixed()} ms; ${inWords('blocked', blocked)}; ${inWords('loading', loading)}`
  expect(blocked.cpuMs, report).toBeLessThan(loading.cpuMs + BESIDES_MS)
  return `${outcomes.table()}\n${report}`
}

function inWords(what: string, { cpuMs, wallMs }: Block): string {
  return `${what}: ${cpuMs.toFixed()} ms of processor time, ${wallMs.toFixed()} ms by the clock`
}

/** At least once each: what was held first may be refused later, when nobody waits for an answer. */
function expectCounted(facts: readonly ThreadFact[], outcomes: Outcomes): void {
  for (const [code, times] of outcomes.refusals) {
    const told = facts.filter((fact) => fact.type === 'refused' && fact.code === code).length
    expect(told, code).toBeGreaterThanOrEqual(times)
  }
}

async function sendAll(threads: Threads, sent: readonly Input[], outcomes: Outcomes): Promise<void> {
  const silenced = vi.spyOn(console, 'error').mockImplementation(() => {}) // wasm panics print their backtrace
  const send = async ({ kind, bytes }: Input) => {
    const received = await threads.receive(bytes)
    outcomes.note(kind, received.status === 'refused' ? received.code : received.status)
  }
  for (let at = 0; at < sent.length; at += AT_ONCE) await Promise.all(sent.slice(at, at + AT_ONCE).map(send))
  silenced.mockRestore()
}

export async function expectSame(one: Threads, other: Threads, thread: ThreadId): Promise<void> {
  const [here, there] = [await viewOf(one, thread), await viewOf(other, thread)]
  expect(there.heads).toEqual(here.heads)
  expect(there.entries).toEqual(here.entries)
}

/** The shortest of three. */
async function timeOfLoading(open: () => Promise<Threads>, thread: ThreadId): Promise<Block> {
  const blocks: Block[] = []
  for (let i = 0; i < 3; i++) {
    const threads = await open()
    blocks.push(await longestBlock(async () => void (await viewOf(threads, thread))))
    await threads.close()
  }
  return blocks.reduce((a, b) => (b.cpuMs < a.cpuMs ? b : a))
}
