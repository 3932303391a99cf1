import { readFile } from 'node:fs/promises'
import { encodeCanonical, type NanoUsd, sha256 } from '@bzzz/protocols'
import { z } from 'zod'
import { BudgetError } from '../errors.ts'
import { parseUsd } from '../usd.ts'
import { lineOfPath } from './locate.ts'

/** What a model costs. Prices in nano-dollars per million tokens. */
export interface Price {
  /** As it is named in requests. */
  readonly model: string
  readonly provider: string
  readonly input: NanoUsd
  /** Prompt tokens that the provider read from its cache. */
  readonly cachedInput: NanoUsd
  /** Generated tokens, reasoning included. */
  readonly output: NanoUsd
  /** Tokens of prompt and reply together; null when not known. */
  readonly window: number | null
  /** Tokens of a reply; null when not known. */
  readonly maxOutput: number | null
  /** Runs on own hardware: may be priced 0. */
  readonly local: boolean
  /** Play money. */
  readonly simulated: boolean
  /** Day at which the price was read, and where. */
  readonly date: string
  readonly source: string
}

/** A model that is not in it has no price, and without a price no call is admitted. */
export interface PriceTable {
  readonly prices: ReadonlyMap<string, Price>
  /** SHA-256 of models and prices; windows, dates and sources are not in it. */
  readonly hash: Uint8Array
}

const MAX_USD_PER_MILLION = parseUsd('1000000')
const usdPerMillion = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    try {
      return parseUsd(String(value))
    } catch (error) {
      if (!(error instanceof BudgetError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
  .refine((price) => price <= MAX_USD_PER_MILLION, { message: 'more than a dollar per token' })
const tokens = z.number().int().min(1).max(100_000_000)
const row = z
  .strictObject({
    model: z.string().min(1).max(100),
    provider: z.string().min(1).max(64),
    input: usdPerMillion,
    cachedInput: usdPerMillion.optional(),
    output: usdPerMillion,
    window: tokens.optional(),
    maxOutput: tokens.optional(),
    local: z.boolean().default(false),
    simulated: z.boolean().default(false),
    date: z.iso.date(),
    source: z.string().min(1).max(500),
  })
  .superRefine((price, context) => {
    for (const field of ['input', 'cachedInput', 'output'] as const) {
      if (price[field] !== 0n || price.local) continue
      const message = 'a price of 0 needs "local": true; a hosted model is never free by mistake'
      context.addIssue({ code: 'custom', path: [field], message })
    }
  })
  .transform((price): Price => {
    const { cachedInput = price.input, window = null, maxOutput = null } = price
    return { ...price, cachedInput, window, maxOutput }
  })
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

/** `own` over `base`: a model in both has the price of `own`. */
export function mergePrices(base: PriceTable, own: PriceTable): PriceTable {
  return tableOf([...new Map([...base.prices, ...own.prices]).values()])
}

/** List prices of common models, and the offline rules' play money. */
export async function shippedPrices(): Promise<PriceTable> {
  return loadPrices(await readFile(new URL('../../prices.json', import.meta.url), 'utf8'), 'prices.json')
}

function tableOf(prices: readonly Price[]): PriceTable {
  const sorted = prices.toSorted((a, b) => (a.model < b.model ? -1 : 1))
  const costs = sorted.map(({ model, input, cachedInput, output, local, simulated }) => {
    return [model, input, cachedInput, output, local, simulated]
  })
  return {
    prices: new Map(sorted.map((price) => [price.model, price])),
    hash: sha256('bzzz/price-table/1\0', encodeCanonical(costs)),
  }
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
