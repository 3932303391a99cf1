import { type EventData, type EventName, parsePeriod } from '@bzzz/protocols'
import type { DoorPorts, TurnNews } from '../ports.ts'
import { alertViewOf } from '../views/alerts.ts'
import { entryView } from '../views/conversations.ts'
import { lineView } from '../views/costs.ts'
import { nodeNames } from '../views/names.ts'
import { peerViews } from '../views/node.ts'
import { whereabouts } from '../views/whereabouts.ts'
import type { EventRing } from './ring.ts'

/** Puts what the rooms tell into the ring, in the very shapes that the routes answer with. @returns stops it */
export function feedEvents(ports: DoorPorts, ring: EventRing): () => void {
  function publish<N extends EventName>(name: N, thread: string | null, data: EventData<N>): void {
    ring.publish(name, thread, data)
  }

  const unsubscribes = [
    ports.threads.subscribe(({ thread, entries, lost }) => {
      // what was shown is not so any more: its position is that of the event itself
      if (lost.length > 0) publish('reset', thread, { cursor: ring.cursorOf(ring.last + 1) })
      const names = nodeNames(ports)
      const onNodes = whereabouts(ports, names)
      for (const entry of entries) publish('entry', thread, entryView(thread, entry, names, onNodes))
    }),
    ports.mesh.subscribe((event) => {
      const { peer } = event.type === 'peer' ? event.status : event.card
      const view = peerViews(ports).find(({ peer_id }) => peer_id === peer)
      if (view !== undefined) publish('peer', null, view)
    }),
    ports.budget.subscribe((period) => {
      const line = ports.budget.report().periods.find((running) => running.period === period)
      if (line !== undefined) publish('budget', threadOf(period), { period, ...lineView(line) })
    }),
    ports.alerts.subscribe((alert) => publish('alert', null, alertViewOf(alert, nodeNames(ports)))),
    ports.turns.subscribe((turn) => publish('turn', turn.thread, turnView(turn))),
  ]
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe()
  }
}

function threadOf(period: string): string | null {
  const parsed = parsePeriod(period)
  return parsed?.kind === 'thread' ? parsed.thread : null
}

function turnView({ thread, turn, agent, phase, round, state, reason }: TurnNews): EventData<'turn'> {
  return { thread, turn, agent, phase, round, state, reason }
}
