import { eventsQuery } from '@bzzz/protocols'
import type { Door } from '../door.ts'
import { followTokens } from '../events/tokens.ts'
import type { Routes } from './routes.ts'

export function addEventsRoute(door: Door, { streams, ports }: Routes): void {
  // Without a HEAD twin, which would stay open for ever.
  door.get('/api/events', { exposeHeadRoute: false, schema: { querystring: eventsQuery } }, async (request, reply) => {
    const { thread: given, after, tokens } = request.query
    const thread = given === undefined ? undefined : ports.threads.rootOf(given)
    const resume = request.headers['last-event-id']
    streams.open(reply.raw, {
      after: typeof resume === 'string' ? resume : after,
      wants: (event) => thread === undefined || event.thread === thread,
      tokens: thread !== undefined && tokens ? (tell) => followTokens(ports, thread, tell) : undefined,
    })
    return reply.hijack()
  })
}
