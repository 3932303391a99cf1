import { eventsQuery } from '@bzzz/protocols'
import type { Door } from '../door.ts'
import type { Routes } from './routes.ts'

export function addEventsRoute(door: Door, { streams }: Routes): void {
  // Without a HEAD twin, which would stay open for ever.
  door.get('/api/events', { exposeHeadRoute: false, schema: { querystring: eventsQuery } }, async (request, reply) => {
    const { thread, after } = request.query
    const resume = request.headers['last-event-id']
    streams.open(
      reply.raw,
      typeof resume === 'string' ? resume : after,
      (event) => thread === undefined || event.thread === thread,
    )
    return reply.hijack()
  })
}
