import { randomBytes } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import type { z } from 'zod'
import { createDoors } from '../../src/http/doors.ts'
import { createEventRing } from '../../src/http/events/ring.ts'
import { createEventStreams } from '../../src/http/events/streams.ts'
import type { HttpFact } from '../../src/http/facts.ts'
import { createAnswersByKey } from '../../src/http/idempotency.ts'
import { meshOfThree, NOW } from './mesh-of-three.ts'

export const TOKEN = 'a-token-that-nobody-guesses'
export const withToken = { authorization: `Bearer ${TOKEN}` }

/** Both doors without sockets: requests are injected. */
export function doorsUnderTest(options: { host?: string } = {}) {
  const mesh = meshOfThree()
  const facts: HttpFact[] = []
  const observe = (fact: HttpFact) => facts.push(fact)
  const streams = createEventStreams(createEventRing('run'), observe, 60_000)
  const routes = { ports: mesh.ports, now: () => NOW, randomBytes, answers: createAnswersByKey(), streams }
  const doors = createDoors(routes, { host: options.host ?? '127.0.0.1', token: TOKEN, observe })
  return { ...mesh, ...doors, facts }
}

/** The answer's body, proven to have the published shape. */
export function answerOf<S extends z.ZodType>(response: LightMyRequestResponse, status: number, shape: S): z.output<S> {
  if (response.statusCode !== status) throw new Error(`${response.statusCode}, not ${status}: ${response.body}`)
  return shape.parse(response.json())
}
