import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type ModelServer, startModelServer } from '../review/model-server.ts'

/** The model server behind a till that charges each request when it arrives, whether or not anybody waits for the reply. */
export interface BillingServer {
  readonly baseUrl: string
  readonly bills: readonly Bill[]
  /** Replies wait from now on, though they are charged. @returns what lets them go */
  hold(): () => void
  stop(): Promise<void>
}

export interface Bill {
  /** The call id, as the node sent it in Idempotency-Key. */
  readonly call: string
  /** The node's own API key. */
  readonly key: string
  /** Nano-dollars. */
  readonly amount: bigint
}

/** As prices files have it: dollars a million tokens. */
export const MODEL = { model: 'house-large', provider: 'house', input: '0.50', output: '2.00', window: 128_000 }
const USAGE = { input: 1_000, output: 100 }
const AMOUNT = BigInt(USAGE.input * 500 + USAGE.output * 2_000)

export async function startBillingServer(quotes: Parameters<typeof startModelServer>[0]): Promise<BillingServer> {
  const models = await startModelServer(quotes)
  models.bill(USAGE)
  const bills: Bill[] = []
  const server = createServer((asked, answer) => {
    const { 'idempotency-key': call, authorization } = asked.headers
    bills.push({ call: String(call), key: String(authorization).replace('Bearer ', ''), amount: AMOUNT })
    void passOn(asked, answer, models)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    bills,
    hold: () => models.hold().answer,
    async stop() {
      server.close()
      server.closeAllConnections()
      await models.stop()
    },
  }
}

/** A client that was killed ends its half of the way; what it was charged stays. */
async function passOn(asked: IncomingMessage, answer: ServerResponse, { baseUrl }: ModelServer): Promise<void> {
  try {
    const body = await text(asked)
    const reply = await fetch(new URL(asked.url ?? '', baseUrl), { method: 'POST', headers: headersOf(asked), body })
    answer.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' })
    await pipeline(reply.body ?? [], answer)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return { 'content-type': headers['content-type'] ?? '', 'idempotency-key': String(headers['idempotency-key']) }
}
