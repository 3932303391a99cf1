import {
  type ConversationSummary,
  type ConversationView,
  documentIdOf,
  type EntryView,
  isType,
  usdOf,
} from '@bzzz/protocols'
import type { ThreadSummary, ThreadView, ViewedEntry } from '@bzzz/threads'
import { isoTime, type NodeNames, peerOf } from './names.ts'
import type { Whereabouts } from './whereabouts.ts'

/** @param followed whether this node keeps up with it */
export function summaryView(thread: ThreadSummary, followed: boolean): ConversationSummary {
  return {
    id: thread.thread,
    topic: thread.topic,
    project: thread.project,
    state: thread.state,
    archived: thread.archived,
    followed,
    messages: thread.entries,
    created_at: isoTime(thread.createdMs),
    last_activity: isoTime(thread.lastMs),
    bytes: thread.bytes,
    stored_bytes: thread.storedBytes,
  }
}

/** Of a thread that is kept up with here. */
export function conversationView(summary: ThreadSummary, view: ThreadView, names: NodeNames): ConversationView {
  return {
    ...summaryView(summary, true),
    messages: view.entries.length,
    heads: [...view.heads],
    participants: participants(view, names),
    cost_usd: usdOf(sumOfCosts(view.entries)),
    simulated: view.entries.some(({ entry }) => entry.simulated === true),
    sync_url: `automerge:${documentIdOf(view.thread)}`,
  }
}

/** @returns nano-dollars that the entries say their turns cost */
function sumOfCosts(entries: readonly ViewedEntry[]): bigint {
  return entries.reduce((sum, { entry }) => sum + BigInt(entry.cost ?? '0'), 0n)
}

/** Whoever has a seat, joined, or spoke, in that order. */
function participants(view: ThreadView, names: NodeNames): ConversationView['participants'] {
  const roles = rolesOf(view)
  const messages = new Map<string, number>([...roles.keys()].map((author) => [author, 0]))
  for (const { entry } of view.entries) messages.set(entry.author, (messages.get(entry.author) ?? 0) + 1)
  return [...messages].map(([author, count]) => ({
    author,
    role: roles.get(author) ?? null,
    node_id: names(peerOf(author)),
    messages: count,
  }))
}

function rolesOf({ entries }: ThreadView): Map<string, string> {
  const roles = new Map<string, string>()
  for (const { entry } of entries) {
    if (isType(entry, 'open')) for (const seat of entry.review?.seats ?? []) roles.set(seat.agent, seat.role)
    if (isType(entry, 'join')) roles.set(entry.agent, entry.role)
  }
  return roles
}

export function entryView(
  thread: string,
  viewed: ViewedEntry,
  names: NodeNames,
  onNodes: Whereabouts,
  verified: EntryView['verified'] = true,
): EntryView {
  const { entry, peer, laptop, change } = viewed
  return {
    id: entry.id,
    thread,
    type: entry.type,
    author: entry.author,
    node: names(peer),
    laptop,
    content: entry.content,
    ts: isoTime(entry.ts),
    verified,
    on_nodes: onNodes(viewed),
    change,
    cost_usd: entry.cost === undefined ? null : usdOf(BigInt(entry.cost)),
    simulated: entry.simulated === true,
    entry,
  }
}
