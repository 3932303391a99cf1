import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { BudgetError } from '../errors.ts'
import { lineOfPath } from './locate.ts'
import { row } from './row.ts'
import { type PriceTable, tableOf } from './table.ts'

const priceFile = z.strictObject({
  currency: z.literal('USD'),
  unit: z.literal('per million tokens'),
  models: z.array(row).max(10_000),
})

/**
 * Reads a price file: see prices.json of this package for the format. Amounts are dollars per million tokens.
 * @param file its name, for messages
 * @throws {BudgetError} BAD_PRICES with file, line and reason
 */
export function loadPrices(text: string, file: string): PriceTable {
  const json = parseJson(text, file)
  const parsed = priceFile.safeParse(json)
  if (!parsed.success) throw refusal(text, file, parsed.error)
  const { models } = parsed.data
  const twice = models.findIndex(({ model }, index) => models.findIndex((other) => other.model === model) < index)
  if (twice >= 0) {
    const line = lineOfPath(text, ['models', twice])
    throw new BudgetError('BAD_PRICES', `${file}:${line}: ${models[twice]?.model} is priced twice`)
  }
  return tableOf(models)
}

/** List prices of common models, and the offline rules' play money. */
export async function shippedPrices(): Promise<PriceTable> {
  return loadPrices(await readFile(new URL('../../prices.json', import.meta.url), 'utf8'), 'prices.json')
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = (cause as SyntaxError).message
    const position = /position (\d+)/.exec(reason)?.[1]
    const line = position === undefined ? 1 : text.slice(0, Number(position)).split('\n').length
    throw new BudgetError('BAD_PRICES', `${file}:${line}: not JSON: ${reason}`, { cause })
  }
}

function refusal(text: string, file: string, error: z.ZodError): BudgetError {
  const { path = [], message = 'wrong shape' } = error.issues[0] ?? {}
  const place = path.reduce<string>(
    (so, step) => (typeof step === 'number' ? `${so}[${step}]` : `${so}.${String(step)}`),
    '',
  )
  const words = place === '' ? message : `${place.slice(1)}: ${message}`
  return new BudgetError('BAD_PRICES', `${file}:${lineOfPath(text, path)}: ${words}`, { cause: error })
}
