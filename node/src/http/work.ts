import type { Door } from './door.ts'

/** Requests in hand. */
export interface Work {
  /** Resolves when none is left, or after `graceMs`. */
  finish(graceMs: number): Promise<void>
}

export function trackWork(doors: readonly Pick<Door, 'addHook'>[]): Work {
  let inHand = 0
  let onIdle = () => {}

  function leave(): void {
    inHand -= 1
    if (inHand === 0) onIdle()
  }

  for (const door of doors) {
    door.addHook('onRequest', async (request, reply) => {
      if (request.headers.upgrade !== undefined) return // a websocket is in hand for as long as its laptop is there
      inHand += 1
      reply.raw.once('close', leave)
    })
  }
  return {
    finish(graceMs) {
      if (inHand === 0) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
