import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** The provider: it bills each request when it comes, whatever becomes of the answer, and looks at the limits at once. */
export interface Till {
  readonly url: string
  readonly journal: ReadonlyMap<string, Bill>
  /** Sum of what was billed to a label, nano-dollars. */
  billed(label: string): bigint
  /** In force from now on; lowering it does not make wrong what was billed before. */
  limit(label: string, amount: bigint): void
  /** Every request that took a label above its limit, in words. */
  readonly faults: readonly string[]
  close(): Promise<void>
}

/** One request to the provider. */
export interface Billable {
  readonly call: string
  /** Who asks. */
  readonly node: string
  /** What counts together: the day, and a thread with a cap. */
  readonly labels: readonly string[]
  /** The limit on generated tokens that is sent with the request. */
  readonly outputTokens: number
}

export interface Bill extends Billable {
  /** Nano-dollars. */
  readonly amount: bigint
}

/** Nano-dollars a generated token; a prompt costs nothing. */
export const TOKEN_PRICE = 10_000n
/** As the price file has it: dollars a million tokens. */
export const MODEL = {
  model: 'billed',
  provider: 'till',
  input: '0.000001',
  output: '10',
  date: '2026-11-22',
  source: 'test',
}

// Of a hundred requests: so many get no answer before their caller gives up, and an answer takes so long.
const SILENT_OF_100 = 4
const SLOWEST_MS = 40

export async function openTill(): Promise<Till> {
  const journal = new Map<string, Bill>()
  const sums = new Map<string, bigint>()
  const limits = new Map<string, bigint>()
  const faults: string[] = []

  function bill(request: Billable): number {
    const { outputTokens, amount } = costOf(request)
    if (journal.has(request.call)) faults.push(`call ${request.call} was sent twice`)
    journal.set(request.call, { ...request, amount })
    for (const label of request.labels) {
      const sum = (sums.get(label) ?? 0n) + amount
      sums.set(label, sum)
      const limit = limits.get(label)
      if (limit !== undefined && sum > limit) faults.push(`${label}: ${sum} of ${limit} after ${request.node} asked`)
    }
    return outputTokens
  }

  const server = createServer((asked, answer) => {
    void serve(asked, answer, bill).catch((error: Error) => {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') faults.push(`the till failed: ${error.message}`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    journal,
    faults,
    billed: (label) => sums.get(label) ?? 0n,
    limit: (label, amount) => void limits.set(label, amount),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function serve(
  asked: IncomingMessage,
  answer: ServerResponse,
  bill: (request: Billable) => number,
): Promise<void> {
  const request = (await json(asked)) as Billable
  const outputTokens = bill(request)
  if (lot(request.call, 'silent') < SILENT_OF_100 / 100) return
  const waitMs = lot(request.call, 'slow') * SLOWEST_MS
  setTimeout(() => answer.end(JSON.stringify({ outputTokens })), waitMs)
}

/** Between two fifths and all of what the request allows, the same for the same call. */
function costOf({ call, outputTokens }: Billable): { outputTokens: number; amount: bigint } {
  const generated = Math.max(1, Math.ceil(outputTokens * (0.4 + 0.6 * lot(call, 'cost'))))
  return { outputTokens: generated, amount: BigInt(generated) * TOKEN_PRICE }
}

/** From 0 to below 1. */
function lot(call: string, about: string): number {
  return createHash('sha256').update(`${about}/${call}`).digest().readUInt32BE(0) / 2 ** 32
}
