import { subscribe } from 'node:diagnostics_channel'
import { registerHooks } from 'node:module'
import { pass } from './pass.ts'

// Given to a node with `--import`: what the node's own files know as a room is the room with points around its verbs.
// The program itself has none: what is killed here is what people run.

const rooms: Readonly<Record<string, string>> = {
  '@bzzz/agents': new URL('./rooms/agents.ts', import.meta.url).href,
  '@bzzz/budget': new URL('./rooms/budget.ts', import.meta.url).href,
  '@bzzz/mesh': new URL('./rooms/mesh.ts', import.meta.url).href,
  '@bzzz/store': new URL('./rooms/store.ts', import.meta.url).href,
  '@bzzz/threads': new URL('./rooms/threads.ts', import.meta.url).href,
}
const node = new URL('../../node/src/', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const isOfNode = context.parentURL?.startsWith(node) === true
    return next(isOfNode ? (rooms[specifier] ?? specifier) : specifier, context)
  },
})

// Told by Node's own fetch. The provider has it, or will have it: what is in the socket outlives its process.
subscribe('undici:request:bodySent', (message) => {
  const { request } = message as { request: { path: string } }
  if (request.path.endsWith('/chat/completions')) pass('request:left')
})
