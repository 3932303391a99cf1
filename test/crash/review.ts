import {
  type EntryView,
  messagesAnswer,
  postedAnswer,
  type ReviewReport,
  reviewOpened,
  reviewReport,
  reviewRequest,
} from '@bzzz/protocols'
import { smallChange } from '../review/small-change.ts'
import type { NodeToKill } from './node-to-kill.ts'

const change = smallChange()

export async function openReview({ client }: NodeToKill): Promise<string> {
  const { thread } = await client.post('/api/reviews', reviewRequest.parse({ change }), reviewOpened)
  return thread
}

export function reportOf({ client }: NodeToKill, thread: string): Promise<ReviewReport> {
  return client.get('agents', `/api/reviews/${thread}`, reviewReport)
}

/** @returns the id of the acknowledged entry */
export async function post({ client }: NodeToKill, thread: string, content: string): Promise<string> {
  const { id } = await client.post(`/api/conversations/${thread}/messages`, { content }, postedAnswer)
  return id
}

export interface Words {
  /** Equal on two nodes: both hold the very same thread. */
  readonly heads: readonly string[]
  readonly messages: readonly EntryView[]
}

export async function wordsOf({ client }: NodeToKill, thread: string): Promise<Words> {
  const { heads, messages, next } = await client.get(
    'agents',
    `/api/conversations/${thread}/messages?limit=1000`,
    messagesAnswer,
  )
  if (next !== null) throw new RangeError('more entries than one page')
  return { heads, messages }
}

/** It was gone, or went while it was asked: nobody knows whether it did what it was asked for. */
export function isUnreachable(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'NODE_UNREACHABLE' || error instanceof TypeError
}

/** The opening has not come there yet. */
export function isUnknownThere(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'THREAD_UNKNOWN'
}
