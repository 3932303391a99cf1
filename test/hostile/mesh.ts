import { encodeBatch, envelopeTopic, MAX_BATCH_BYTES, packBatches } from '@bzzz/protocols'
import { expect, vi } from 'vitest'
import { openRogue, type Rogue } from '../../packages/mesh/test/rogue.ts'
import { mesh, viewOf } from '../../packages/threads/test/place.ts'
import { seededRandom } from '../crash/random.ts'
import { type Block, longestBlock } from './blocked.ts'
import { type Input, inputs } from './inputs.ts'
import { attacker, type MeshedNode, openMeshedNodes, seedOf, stranger, wordsOf, writeThread } from './place.ts'
import { expectSame } from './receive.ts'

const AT_ONCE = 64
const PATIENCE = { timeout: 30_000, interval: 5 }
/** One in so many is sent as it is, where a frame or a batch is expected. */
const BARE = 20

/** A member sends so many inputs over its link and over gossip, while others talk. @returns a report for people */
export async function withstandMember(count: number, seed: number): Promise<string> {
  const [victim, friend] = (await openMeshedNodes([1, 2])) as [MeshedNode, MeshedNode]
  const healthy = await writeThread(victim.threads, victim.by)
  const attacked = await writeThread(victim.threads, victim.by)
  await vi.waitFor(() => expectSameLists(victim, friend), PATIENCE)
  const whole = await viewOf(victim.threads, healthy.thread)
  const words = await wordsOf(victim.threads, attacked, victim.peer)
  const sent = inputs({ healthy, attacked, attacker, stranger }, count, seededRandom(seed))
  const rogue = await openRogue({ seed: seedOf(9), signer: attacker }, mesh)
  const startedMs = performance.now()
  const blocked = await longestBlock(() => attack(rogue, victim, sent))
  const tookMs = performance.now() - startedMs
  await rogue.close()

  const after = await viewOf(victim.threads, healthy.thread)
  expect(after.heads).toEqual(whole.heads)
  expect(after.entries).toEqual(whole.entries)
  expect(await wordsOf(victim.threads, attacked, victim.peer)).toEqual(words)
  expect(counted(victim, attacker.peer), 'inputs counted with their sender').toBeGreaterThanOrEqual(count)
  for (const { thread } of [healthy, attacked]) await friend.threads.append(thread, friend.by.message('still-talking'))
  await vi.waitFor(() => expectStillTalking([victim, friend], [healthy, attacked]), PATIENCE)
  return `${count} inputs in ${tookMs.toFixed()} ms; ${inWords(blocked)}`
}

function inWords({ cpuMs, wallMs }: Block): string {
  return `blocked at most ${cpuMs.toFixed()} ms of processor time, ${wallMs.toFixed()} ms by the clock`
}

function expectSameLists(one: MeshedNode, other: MeshedNode): void {
  const ofThreads = ({ threads }: MeshedNode) => new Map(threads.list().map(({ thread, entries }) => [thread, entries]))
  expect(ofThreads(other)).toEqual(ofThreads(one))
}

async function expectStillTalking(
  [victim, friend]: readonly [MeshedNode, MeshedNode],
  sights: readonly { readonly thread: Parameters<typeof expectSame>[2] }[],
): Promise<void> {
  for (const { thread } of sights) {
    await expectSame(victim.threads, friend.threads, thread)
    const { entries } = await viewOf(victim.threads, thread)
    expect(entries.map(({ entry }) => entry.id)).toContain('still-talking')
  }
}

async function attack(rogue: Rogue, victim: MeshedNode, sent: readonly Input[]): Promise<void> {
  const silenced = vi.spyOn(console, 'error').mockImplementation(() => {}) // wasm panics print their backtrace
  const fitting = sent.filter(({ bytes }) => bytes.length < MAX_BATCH_BYTES / 2)
  const bare = [...sent.filter((input) => !fitting.includes(input)), ...fitting.splice(0, sent.length / BARE)]
  const half = fitting.length >> 1
  await overLink(rogue, victim, fitting.slice(0, half))
  await overGossip(rogue, victim, fitting.slice(half))
  for (const input of bare) await asFrame(rogue, victim, input)
  silenced.mockRestore()
}

async function overLink(rogue: Rogue, victim: MeshedNode, sent: readonly Input[]): Promise<void> {
  const stream = await rogue.stream(victim)
  await stream.say(rogue.hello)
  await inParts(victim, sent, async (part) => {
    await stream.say({ t: 'envelopes', envelopes: part.map((bytes) => Uint8Array.from(bytes)) })
    return part.length
  })
}

async function overGossip(rogue: Rogue, victim: MeshedNode, sent: readonly Input[]): Promise<void> {
  const { pubsub } = rogue.host.services
  const topic = envelopeTopic(mesh)
  pubsub.subscribe(topic)
  await vi.waitUntil(() => pubsub.getSubscribers(topic).length > 0, PATIENCE)
  let parts = 0
  await inParts(victim, sent, async (part) => {
    // Gossip hands on the same bytes once: this makes each part another one.
    const marked = [...part, Buffer.from(`part ${++parts}`)]
    await pubsub.publish(topic, encodeBatch(marked))
    return marked.length
  })
}

/** The next part once the last one is counted: else what comes too fast is dropped, which is no test of it. */
async function inParts(
  victim: MeshedNode,
  sent: readonly Input[],
  send: (part: Uint8Array[]) => Promise<number>,
): Promise<void> {
  const { batches } = packBatches(sent.map(({ bytes }) => bytes))
  for (const batch of batches) {
    for (let at = 0; at < batch.length; at += AT_ONCE) {
      const before = counted(victim, attacker.peer)
      const due = before + (await send(batch.slice(at, at + AT_ONCE)))
      await vi.waitUntil(() => counted(victim, attacker.peer) >= due, PATIENCE)
    }
  }
}

/** Ends the link, so each takes a new one. */
async function asFrame(rogue: Rogue, victim: MeshedNode, { bytes }: Input): Promise<void> {
  for (const connection of rogue.host.getConnections()) connection.abort(new Error('begins anew'))
  await vi.waitUntil(() => rogue.host.getConnections().length === 0, PATIENCE)
  const due = counted(victim, attacker.peer) + 1
  const stream = await rogue.stream(victim)
  await stream.say(rogue.hello)
  await stream.sayBytes(bytes)
  await stream.ended
  await vi.waitUntil(() => counted(victim, attacker.peer) >= due, PATIENCE)
}

const COUNTED = new Set(['envelope-refused', 'envelope-received', 'frame-refused'])

/** What a node has told of what one peer sent it, good or bad. */
export function counted({ facts }: Pick<MeshedNode, 'facts'>, peer: string): number {
  return facts.filter((fact) => COUNTED.has(fact.type) && 'peer' in fact && fact.peer === peer).length
}
