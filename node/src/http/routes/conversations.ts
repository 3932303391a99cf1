import {
  type ConversationsQuery,
  conversationView as conversationShape,
  conversationsAnswer,
  conversationsQuery,
  type EntryOf,
  messagesAnswer,
  messagesQuery,
  type NewConversation,
  type NewMessage,
  newConversation,
  newMessage,
  type PostedAnswer,
  postedAnswer,
  type ThreadId,
  threadId,
} from '@bzzz/protocols'
import type { Appended, ThreadPreview, ThreadSummary, ThreadView } from '@bzzz/threads'
import { z } from 'zod'
import type { Door } from '../door.ts'
import type { Brought, DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { conversationView, summaryView } from '../views/conversations.ts'
import { messagesView, pendingReading, pendingView, verifiedReading } from '../views/messages.ts'
import { nodeNames } from '../views/names.ts'
import type { Routes } from './routes.ts'

const params = z.strictObject({ id: threadId })

export function addConversationRoutes(door: Door, routes: Routes): void {
  addReads(door, routes)
  addWrites(door, routes)
}

function addReads(door: Door, { ports }: Routes): void {
  door.get(
    '/api/conversations',
    { schema: { querystring: conversationsQuery, response: { 200: conversationsAnswer } } },
    async ({ query: { status, state = status, limit } }) => {
      const found = ports.threads.list().filter((thread) => isListed(thread, state))
      const newest = found.toSorted((a, b) => b.lastMs - a.lastMs).slice(0, limit)
      return {
        conversations: newest.map((thread) => summaryView(thread, ports.following.follows(thread.thread))),
        total: found.length,
      }
    },
  )
  door.get(
    '/api/conversations/:id',
    { schema: { params, response: { 200: conversationShape } } },
    async ({ params: { id } }) => {
      const shown = await pendingOr(ports, id, () => viewOf(ports, id))
      const [view, summary] =
        'summary' in shown ? [pendingView(shown), shown.summary] : [shown, ports.threads.summary(id)]
      if (summary === undefined) throw unknownThread(id)
      return conversationView(summary, view, nodeNames(ports))
    },
  )
  door.get(
    '/api/conversations/:id/messages',
    { schema: { params, querystring: messagesQuery, response: { 200: messagesAnswer } } },
    async ({ params: { id }, query }) => {
      const shown = await pendingOr(ports, id, async () => {
        const brought = await ports.following.bring(id)
        if (ports.threads.summary(id) === undefined) throw unknownThread(id, brought)
        return verifiedReading(ports, id)
      })
      return messagesView(ports, 'entries' in shown ? pendingReading(shown) : shown, query)
    },
  )
}

function addWrites(door: Door, routes: Routes): void {
  const { ports, answers } = routes
  const config = { access: 'token' } as const
  door.post(
    '/api/conversations',
    { config, schema: { body: newConversation, response: { 201: postedAnswer } } },
    async (request, reply) => {
      const appended = await answers.once(request, () => ports.threads.create(openEntry(routes, request.body)))
      return reply.code(201).send(postedView(appended))
    },
  )
  door.post(
    '/api/conversations/:id/messages',
    { config, schema: { params, body: newMessage, response: { 201: postedAnswer } } },
    async (request, reply) => {
      const entry = messageEntry(routes, request.body)
      const { id } = request.params
      const appended = await answers.once(request, async () => {
        const brought = await ports.following.bring(id)
        if (brought.status === 'late') throw unknownThread(id, brought)
        return await ports.threads.append(id, entry)
      })
      return reply.code(201).send(postedView(appended))
    },
  )
}

/** An archived thread is in the list of archived ones alone. */
function isListed({ archived, state }: ThreadSummary, wanted: ConversationsQuery['state']): boolean {
  return archived ? wanted === 'archived' : wanted === undefined || state === wanted
}

/** @returns the thread while its signatures are being checked, which only people may read; else what `read` comes to */
async function pendingOr<T>(ports: DoorPorts, given: ThreadId, read: () => Promise<T>): Promise<T | ThreadPreview> {
  const id = ports.threads.rootOf(given)
  const known = ports.threads.preview(id)
  if (known !== undefined) return known
  const soon = Promise.withResolvers<ThreadPreview>()
  const stop = ports.threads.onPreview((preview) => preview.thread === id && soon.resolve(preview))
  try {
    // a thread that is only now being fetched can be read before all of it is stored
    return await Promise.race([soon.promise, read()])
  } finally {
    stop()
  }
}

/** What is verified. @throws {ProblemError} THREAD_UNKNOWN */
export async function viewOf({ threads, following }: DoorPorts, id: ThreadId): Promise<ThreadView> {
  const brought = await following.bring(id)
  const view = await threads.view(id)
  if (view === undefined) throw unknownThread(id, brought)
  return view
}

export function unknownThread(id: string, brought: Brought = { status: 'here' }): ProblemError {
  const here = 'GET /api/conversations lists what is here.'
  const elsewhere = {
    here: 'A new one may still be on its way.',
    nowhere: `Peers online that were asked for it: ${'asked' in brought ? brought.asked : 0}; none has it. A new one may still be on its way.`,
    late: 'The peers took too long to bring it: ask again in a moment.',
  }
  const detail = `${id} is not on this node. ${elsewhere[brought.status]} ${here}`
  return new ProblemError('THREAD_UNKNOWN', detail)
}

function openEntry(routes: Routes, { topic, project, content, from }: NewConversation): EntryOf<'open'> {
  return { ...byPerson(routes, from), type: 'open', topic, project, content }
}

function messageEntry(routes: Routes, { content, from, reply_to }: NewMessage): EntryOf<'message'> {
  const replyTo = reply_to === undefined ? {} : { replyTo: reply_to }
  return { ...byPerson(routes, from), type: 'message', content, ...replyTo }
}

export function byPerson(
  { ports, now, randomBytes }: Routes,
  name: string,
): { id: string; author: string; ts: number } {
  const id = Buffer.from(randomBytes(16)).toString('hex')
  return { id, author: `human:${name}@${ports.node.peer}`, ts: now() }
}

function postedView({ thread, id, heads }: Appended): PostedAnswer {
  return { thread, id, heads: [...heads] }
}
