import { encodeCanonical, type NanoUsd, sha256 } from '@bzzz/protocols'

/** Nano-dollars per million tokens. */
export interface UnitPrices {
  readonly input: NanoUsd
  /** Prompt tokens that the provider read from its cache: never dearer than `input`. */
  readonly cachedInput: NanoUsd
  /** Prompt tokens that the provider wrote to its cache, at its dearest: never cheaper than `input`. */
  readonly cacheWrite: NanoUsd
  /** Generated tokens, reasoning included. */
  readonly output: NanoUsd
}

/** Prices of the whole request, reply included, from more than so many prompt tokens on. */
export interface PriceTier extends UnitPrices {
  readonly above: number
}

/** What a model costs. */
export interface Price extends UnitPrices {
  /** As it is named in requests. */
  readonly model: string
  readonly provider: string
  /** Ascending. */
  readonly tiers: readonly PriceTier[]
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
  /** SHA-256 of models and prices; windows, dates and sources are not in it. The manifest's specification says of what. */
  readonly hash: Uint8Array
}

export function tableOf(prices: readonly Price[]): PriceTable {
  const sorted = prices.toSorted((a, b) => (a.model < b.model ? -1 : 1))
  const costs = sorted.map(({ model, tiers, local, simulated, ...prices }) => {
    return [model, ...listed(prices), tiers.map((tier) => [tier.above, ...listed(tier)]), local, simulated]
  })
  return {
    prices: new Map(sorted.map((price) => [price.model, price])),
    hash: sha256('bzzz/price-table/1\0', encodeCanonical(costs)),
  }
}

function listed({ input, cachedInput, cacheWrite, output }: UnitPrices): NanoUsd[] {
  return [input, cachedInput, cacheWrite, output]
}

/** `own` over `base`: a model in both has the price of `own`. */
export function mergePrices(base: PriceTable, own: PriceTable): PriceTable {
  return tableOf([...new Map([...base.prices, ...own.prices]).values()])
}
