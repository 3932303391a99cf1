import fastify, { type FastifyServerOptions } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { type Admission, admit } from './admission.ts'
import type { DoorName, ObserveHttp } from './facts.ts'
import { answerErrors, ProblemError } from './problems.ts'

/** Bodies of all routes that do not say otherwise. */
const MAX_BODY_BYTES = 256 * 1024
// `name@peer` has up to 117 characters; fastify's own bound is 100.
const MAX_PARAM_CHARS = 256
// A request must have arrived whole by then: a client that sends byte by byte holds a socket no longer.
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Named here, fastify does not load compilers of its own, which nothing would use; its types know those alone. */
const compilersFactory = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as CompilersFactory
type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

export interface DoorOptions {
  readonly name: DoorName
  readonly admission: Admission
  /** True once the doors are closing: what comes then is refused, what is in hand is finished. */
  readonly closing: () => boolean
  readonly observe: ObserveHttp
}

export type Door = ReturnType<typeof createDoor>

/** A server without routes: admission, validation, problems and facts are in place. */
export function createDoor(options: DoorOptions) {
  const door = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    frameworkErrors: answerErrors(options.name, options.observe),
    schemaController: { compilersFactory },
  }).withTypeProvider<ZodTypeProvider>()
  door.removeContentTypeParser('text/plain')
  door.setErrorHandler(answerErrors(options.name, options.observe))
  door.setNotFoundHandler((request) => {
    throw new ProblemError('ROUTE_UNKNOWN', `${request.method} ${pathOf(request.url)} is not served at this door.`)
  })
  door.addHook('onRequest', async (request, reply) => {
    void reply.headers(HEADERS)
    admit(request, options.admission)
    // The token is asked for, whatever page asks; refusals have to be readable there too.
    if (request.routeOptions.config.access === 'sync') void reply.header('access-control-allow-origin', '*')
    if (options.closing()) throw new ProblemError('CLOSING', 'Ask again once the node is up.')
  })
  // A refused upgrade leaves its socket to whoever refused it; the door could not close as long as it is open.
  door.addHook('onResponse', async ({ headers, raw }) => {
    if (headers.upgrade !== undefined) raw.socket.destroy()
  })
  reportAnswers(door, options)
  return door
}

/** Without what may be a token. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? ''
}

function reportAnswers(door: Pick<Door, 'addHook'>, { name, observe }: DoorOptions): void {
  door.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    const route = routeOptions.url ?? 'unmatched'
    observe({ type: 'answered', door: name, method, route, status: statusCode, seconds: elapsedTime / 1000 })
  })
}
