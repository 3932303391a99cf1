import type { AddressInfo } from 'node:net'
import type { Admission } from './admission.ts'
import { createDoor, type Door } from './door.ts'
import type { DoorName, ObserveHttp } from './facts.ts'
import { addAgentRoutes } from './routes/agents.ts'
import { addArchiveRoutes } from './routes/archive.ts'
import { addBudgetRoutes } from './routes/budget.ts'
import { addConversationRoutes } from './routes/conversations.ts'
import { addCostRoutes } from './routes/costs.ts'
import { addEventsRoute } from './routes/events.ts'
import { addInviteRoutes } from './routes/invites.ts'
import { addManifestRoutes } from './routes/manifest.ts'
import { addMetricsRoute } from './routes/metrics.ts'
import { addNodeRoutes } from './routes/node.ts'
import { addReviewRoutes } from './routes/reviews.ts'
import type { Routes } from './routes/routes.ts'
import { addSyncRoutes } from './routes/sync.ts'
import { addVoteRoutes } from './routes/votes.ts'
import { trackWork } from './work.ts'

export interface DoorsOptions {
  readonly host: string
  readonly token: string
  readonly observe: ObserveHttp
}

export interface Doors {
  readonly node: Door
  readonly agents: Door
  /** @returns the URLs by which both are reached. Rejects with the system's error when a port is taken. */
  listen(ports: { node: number; agents: number }): Promise<{ nodeUrl: string; agentsUrl: string }>
  close(): Promise<void>
}

// How long a request in hand may take once the doors are closing.
const CLOSE_GRACE_MS = 5_000

/** Both doors with their routes. Nothing listens yet. */
export function createDoors(routes: Routes, { host, token, observe }: DoorsOptions): Doors {
  const bound: number[] = []
  let closing = false
  const admission: Admission = { token, host, ports: () => bound }
  const door = (name: DoorName): Door => createDoor({ name, admission, closing: () => closing, observe })
  const node = door('node')
  const agents = door('agents')
  const work = trackWork([node, agents])
  addNodeDoor(node, routes)
  addAgentsDoor(agents, routes)

  async function listen(door: Door, port: number): Promise<string> {
    await door.listen({ host, port })
    // A door listens on a port, not on a path: its address is never text.
    const { address, family, port: taken } = door.server.address() as AddressInfo
    bound.push(taken)
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
  }

  return {
    node,
    agents,
    listen: async (ports) => ({
      nodeUrl: await listen(node, ports.node),
      agentsUrl: await listen(agents, ports.agents),
    }),
    async close() {
      closing = true
      routes.streams.close()
      await work.finish(CLOSE_GRACE_MS)
      await Promise.all([node.close(), agents.close()])
    },
  }
}

/** 8080: is the node alive, whom does it see, how does it stand. */
function addNodeDoor(door: Door, routes: Routes): void {
  addNodeRoutes(door, routes)
  addMetricsRoute(door, routes)
}

/** 8081: agents and their work. */
function addAgentsDoor(door: Door, routes: Routes): void {
  addAgentRoutes(door, routes)
  addConversationRoutes(door, routes)
  addVoteRoutes(door, routes)
  addArchiveRoutes(door, routes)
  addReviewRoutes(door, routes)
  addCostRoutes(door, routes)
  addBudgetRoutes(door, routes)
  addEventsRoute(door, routes)
  addInviteRoutes(door, routes)
  addManifestRoutes(door, routes)
  addSyncRoutes(door, routes)
}
