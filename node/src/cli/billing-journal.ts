import { statedCost } from '@bzzz/protocols'
import { z } from 'zod'
import { CliError, exitCodes } from './exit.ts'

/** What a provider says that it billed for a call. */
export interface Billed {
  readonly call: string
  /** Dollars, as they were written. */
  readonly cost: number | string
}

const line = z.object({
  call: z.string().regex(/^[0-9a-fA-F]{64}$/, 'the id of a call: 64 hexadecimal digits'),
  cost_usd: statedCost,
})

/**
 * One JSON object a line; other fields are passed over, so that a provider's export need only be given two more. A call that
 * stands there twice at one cost was exported twice: a call is one request.
 * @throws {CliError} noInput, naming the line
 */
export function readJournal(text: string, file: string): Billed[] {
  const billed = new Map<string, Billed & { readonly number: number }>()
  for (const [index, written] of text.split('\n').entries()) {
    if (written.trim() === '') continue
    const number = index + 1
    const { call, cost } = readLine(written, `${file}:${number}`)
    const before = billed.get(call)
    if (before !== undefined && Number(before.cost) !== Number(cost)) {
      throw unreadable(`${file}:${number}`, `the call has another cost in line ${before.number}`)
    }
    billed.set(call, { call, cost, number })
  }
  return [...billed.values()].map(({ call, cost }) => ({ call, cost }))
}

function readLine(written: string, where: string): Billed {
  const read = line.safeParse(jsonOf(written, where))
  if (read.success) return { call: read.data.call.toLowerCase(), cost: read.data.cost_usd }
  const [issue] = read.error.issues
  throw unreadable(
    where,
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}; write {"call": "…", "cost_usd": 0.0123}`,
  )
}

function jsonOf(written: string, where: string): unknown {
  try {
    return JSON.parse(written)
  } catch (error) {
    throw unreadable(where, `not JSON: ${(error as Error).message}`)
  }
}

function unreadable(where: string, why: string): CliError {
  return new CliError(exitCodes.noInput, 'JOURNAL_INVALID', `${where}: ${why}; nothing was settled`)
}
