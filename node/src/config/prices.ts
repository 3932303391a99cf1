import { readFile } from 'node:fs/promises'
import { loadPrices, mergePrices, type PriceTable, shippedPrices } from '@bzzz/budget'
import { ConfigError } from './errors.ts'

/**
 * The shipped list prices, and over them those of the operator's own file.
 * @throws {ConfigError} when the file cannot be read, {BudgetError} BAD_PRICES with file, line and reason
 */
export async function readPriceTable(ownFile: string | undefined): Promise<PriceTable> {
  const shipped = await shippedPrices()
  if (ownFile === undefined) return shipped
  return mergePrices(shipped, loadPrices(await readOwn(ownFile), ownFile))
}

async function readOwn(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `BZZZ_PRICES_FILE: cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    })
  }
}
