import { type ConversationView, conversationView, type EntryView, messagesAnswer, postedAnswer } from '@bzzz/protocols'
import { expect, onTestFinished, vi } from 'vitest'
import type { TestNode } from '../node/nodes.ts'
import { type Holder, type Laptop, startLaptop, tokenOf } from './laptop.ts'

/** A node's threads, as the tests about its laptops need them. */
type Place = Pick<TestNode, 'client'>

export async function newThread(at: Place, content = 'the beginning', project = 'default') {
  const { thread } = await at.client.post(
    '/api/conversations',
    { topic: 'On the road', content, project },
    postedAnswer,
  )
  return { thread, url: (await conversationOn(at, thread)).sync_url }
}

export function conversationOn(at: Place, thread: string): Promise<ConversationView> {
  return at.client.get('agents', `/api/conversations/${thread}`, conversationView)
}

export async function post(at: Place, thread: string, content: string): Promise<void> {
  await at.client.post(`/api/conversations/${thread}/messages`, { content }, postedAnswer)
}

export async function messagesOn(at: Place, thread: string): Promise<EntryView[]> {
  return (await at.client.get('agents', `/api/conversations/${thread}/messages`, messagesAnswer)).messages
}

/** Resolves once the node shows these contents, in any order. */
export async function nodeShows(at: Place, thread: string, ...contents: readonly string[]): Promise<void> {
  const look = async () => {
    const shown = (await messagesOn(at, thread)).map(({ content }) => content)
    expect(shown.sort()).toEqual([...contents].sort())
  }
  await vi.waitFor(look, { timeout: 20_000, interval: 50 })
}

export async function laptopWith(
  at: Place,
  wanted: Record<string, unknown> = {},
): Promise<Holder & { laptop: Laptop }> {
  const holder = await tokenOf(at, wanted)
  const laptop = await startLaptop(holder.created.sync_url, holder.info)
  onTestFinished(() => laptop.kill())
  return { laptop, ...holder }
}
