import { costsBreakdown } from '@bzzz/protocols'
import { expect, vi } from 'vitest'
import type { Choice } from './choices.ts'
import { formed, type MeshToKill } from './mesh-to-kill.ts'
import type { NodeToKill } from './node-to-kill.ts'
import { isUnknownThere, isUnreachable, openReview, post, reportOf, type Words, wordsOf } from './review.ts'

export interface Played extends Choice {
  readonly thread: string
  /** Ids of the messages that some node acknowledged. */
  readonly acknowledged: readonly string[]
  /** It died at its point. Else it was killed after the review. */
  readonly hit: boolean
}

const PATIENCE = { timeout: 60_000, interval: 50 }

/** One review, in which one node dies and comes back while all are written to; then what is left of it is checked. */
export async function playRound(mesh: MeshToKill, choice: Choice): Promise<Played> {
  const victim = mesh.node(choice.victim)
  const acknowledged: string[] = []
  await formed(mesh)
  await victim.arm(choice.point, choice.nth)
  const opened = await openSomewhere(mesh, choice)
  const hit = (await reviewToItsEnd(mesh, victim, opened.thread, acknowledged)) || opened.hit
  if (!hit) {
    await victim.kill()
    await victim.start()
  }
  const { state, seats } = await reportOf(otherThan(mesh, victim.label), opened.thread)
  expect(state, JSON.stringify(seats)).toBe('changes_requested')
  const played = { ...choice, thread: opened.thread, acknowledged, hit }
  await expectSameWords(mesh, played)
  await expectEnoughCharged(mesh)
  return played
}

/** A node that dies before it says that the review is open may have opened it all the same: another one is opened elsewhere. */
async function openSomewhere(mesh: MeshToKill, { victim, opener }: Choice): Promise<{ thread: string; hit: boolean }> {
  try {
    return { thread: await openReview(mesh.node(opener)), hit: false }
  } catch (error) {
    if (opener !== victim || !isUnreachable(error)) throw error
    await mesh.node(victim).start()
    await formed(mesh)
    return { thread: await openReview(otherThan(mesh, victim)), hit: true }
  }
}

/** Each look at the review comes with a message to every node, also while the victim starts. @returns whether it died */
async function reviewToItsEnd(
  mesh: MeshToKill,
  victim: NodeToKill,
  thread: string,
  acknowledged: string[],
): Promise<boolean> {
  const witness = otherThan(mesh, victim.label)
  let revival: Promise<void> | undefined
  const look = async () => {
    if (victim.isGone) revival ??= victim.start()
    await Promise.all(mesh.nodes.map((node) => postTo(node, thread, acknowledged)))
    const { state } = await reportOf(witness, thread)
    expect(state).not.toBe('running')
  }
  await vi.waitFor(look, PATIENCE)
  if (victim.isGone) revival ??= victim.start()
  await revival
  return revival !== undefined
}

async function postTo(node: NodeToKill, thread: string, acknowledged: string[]): Promise<void> {
  try {
    acknowledged.push(await post(node, thread, `${node.label} says ${acknowledged.length}`))
  } catch (error) {
    if (!isUnreachable(error) && !isUnknownThere(error)) throw error
  }
}

function otherThan({ nodes }: MeshToKill, label: string): NodeToKill {
  const other = nodes.find((node) => node.label !== label)
  if (other === undefined) throw new RangeError('a mesh of one')
  return other
}

/** What every node ends up with is the same, and it is all that was acknowledged, once. */
export async function expectSameWords(
  { nodes }: MeshToKill,
  { thread, acknowledged }: Pick<Played, 'thread' | 'acknowledged'>,
): Promise<void> {
  const agreed = async () => {
    const words = await Promise.all(nodes.map((node) => wordsOf(node, thread)))
    const [first, ...others] = words
    if (first === undefined) throw new RangeError('a mesh of none')
    // Heads are of the last part alone; an earlier one may still lack its end until the next round of repair.
    for (const other of others) expect([other.heads, idsOf(other)]).toEqual([first.heads, idsOf(first)])
    return words
  }
  const words = await vi.waitFor(agreed, PATIENCE)
  for (const [index, each] of words.entries()) expectWhole(each, acknowledged, nodes[index]?.label ?? '')
}

function idsOf({ messages }: Pick<Words, 'messages'>): string[] {
  return messages.map(({ id }) => id)
}

function expectWhole({ messages }: Words, acknowledged: readonly string[], where: string): void {
  const ids = idsOf({ messages })
  const places = new Map(ids.map((id) => [id, ids.filter((other) => other === id).length]))
  const wrong = acknowledged.flatMap((id) => (places.get(id) === 1 ? [] : [{ id, times: places.get(id) ?? 0 }]))
  expect(wrong, `acknowledged entries that are not once on ${where}`).toEqual([])
  const turns = messages.flatMap(({ type, entry }) => (type !== 'note' && 'turn' in entry ? [String(entry.turn)] : []))
  expect(new Set(turns).size, `turns with an entry on ${where}, of ${turns.length} entries`).toBe(turns.length)
}

const startedOn = utcDay()

/** A first look while all goes on; the whole ledgers are read at the end. */
async function expectEnoughCharged({ nodes, billing, keyOf }: MeshToKill): Promise<void> {
  for (const node of nodes) {
    // In this order: what is billed meanwhile was held before.
    const billed = billing.bills.filter(({ key }) => key === keyOf(node)).reduce((sum, { amount }) => sum + amount, 0n)
    const { by_model } = await node.client.get('agents', '/api/costs/breakdown', costsBreakdown)
    const charged = by_model.reduce((sum, { spent_usd, held_usd }) => sum + spent_usd + held_usd, 0)
    // The breakdown is of one UTC day alone.
    if (utcDay() !== startedOn) return
    expect(Math.round(charged * 1e9), `nano-dollars charged on ${node.label}`).toBeGreaterThanOrEqual(Number(billed))
  }
}

function utcDay(): string {
  return new Date().toISOString().slice(0, 10)
}
