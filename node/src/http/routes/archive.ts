import {
  type ArchivedAnswer,
  archivedAnswer,
  archiveRequest,
  type CleanupAnswer,
  cleanupAnswer,
  cleanupQuery,
  type EntryOf,
  type ThreadId,
  threadId,
} from '@bzzz/protocols'
import type { ThreadSummary } from '@bzzz/threads'
import { z } from 'zod'
import { readDuration } from '../../config/duration.ts'
import type { Door } from '../door.ts'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { byPerson, unknownThread } from './conversations.ts'
import type { Routes } from './routes.ts'

// A request is over before its client gives up; the rest is for the next one.
const CLEANUP_MS = 10_000

export function addArchiveRoutes(door: Door, routes: Routes): void {
  const { answers } = routes
  const config = { access: 'token' } as const
  const params = z.strictObject({ id: threadId })
  door.post(
    '/api/conversations/:id/archive',
    { config, schema: { params, body: archiveRequest, response: { 200: archivedAnswer } } },
    (request) =>
      answers.once(request, () => {
        const entry = archiveEntry(byPerson(routes, request.body?.from ?? 'operator'))
        return archive(routes.ports, request.params.id, entry)
      }),
  )
  door.post(
    '/api/maintenance/cleanup-threads',
    { config, schema: { querystring: cleanupQuery, response: { 200: cleanupAnswer } } },
    (request) => answers.once(request, () => cleanUp(routes, request.query.older_than)),
  )
}

async function archive(
  { threads, following }: DoorPorts,
  thread: ThreadId,
  entry: EntryOf<'archive'>,
): Promise<ArchivedAnswer> {
  const brought = await following.bring(thread)
  const summary = threads.summary(thread)
  if (summary === undefined) throw unknownThread(thread, brought)
  if (!summary.archived) await threads.append(thread, entry)
  return { thread: summary.thread, archived: true, repeated: summary.archived }
}

/** The longest idle first. */
async function cleanUp(routes: Routes, olderThan: string): Promise<CleanupAnswer> {
  const { ports, now, randomBytes } = routes
  const { threads, node, following } = ports
  const startedMs = now()
  const idleMs = readDuration(olderThan)
  if (idleMs === undefined) throw new ProblemError('REQUEST_INVALID', `older_than: ${olderThan} is not a duration.`)
  const open = threads.list().filter(({ archived, thread }) => !archived && following.follows(thread))
  const idle = open.filter(({ lastMs }) => lastMs <= startedMs - idleMs).sort((a, b) => a.lastMs - b.lastMs)
  const archived: ThreadId[] = []
  for (const { thread } of idle) {
    if (now() - startedMs > CLEANUP_MS) break
    const id = Buffer.from(randomBytes(16)).toString('hex')
    const content = `nobody wrote to it for ${olderThan}`
    const base = { id, author: `system@${node.peer}`, ts: now() }
    await threads.append(thread, { ...archiveEntry(base), content })
    await threads.compress(thread)
    archived.push(thread)
  }
  const freed = storedBytesOf(idle, archived) - storedBytesOf(threads.list(), archived)
  return { archived: archived.length, skipped: open.length - archived.length, freed_bytes: Math.max(0, freed) }
}

function storedBytesOf(summaries: readonly ThreadSummary[], threads: readonly ThreadId[]): number {
  const wanted = new Set(threads)
  return summaries.reduce((sum, { thread, storedBytes }) => sum + (wanted.has(thread) ? storedBytes : 0), 0)
}

function archiveEntry(base: { id: string; author: string; ts: number }): EntryOf<'archive'> {
  return { ...base, type: 'archive', content: '' }
}
