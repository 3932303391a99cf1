import { readFile } from 'node:fs/promises'
import { loadPrices, mergePrices, type PriceTable, shippedPrices } from '@bzzz/budget'
import { ConfigError } from './errors.ts'
import type { Values } from './settings.ts'

type Priced = Pick<Values, 'prices_file' | 'local_model' | 'openai_model'>

/**
 * The shipped list prices, over them those of the operator's own file, and a price of 0 for a model that the operator says
 * runs on own hardware.
 * @throws {ConfigError} when the file cannot be read, {BudgetError} BAD_PRICES with file, line and reason
 */
export async function readPriceTable({ prices_file: file, local_model, openai_model }: Priced): Promise<PriceTable> {
  const shipped = await shippedPrices()
  const table = file === undefined ? shipped : mergePrices(shipped, loadPrices(await readOwn(file), file))
  return local_model ? mergePrices(table, loadPrices(priceFile(localRow(openai_model)), 'BZZZ_LOCAL_MODEL')) : table
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

function localRow(model: string): object {
  return { model, provider: 'local', input: 0, output: 0, local: true, date: '2026-01-01', source: 'own hardware' }
}

function priceFile(row: object): string {
  return JSON.stringify({ currency: 'USD', unit: 'per million tokens', models: [row] })
}

/** What to do about a model without a price, with a file to paste. */
export function unpricedModel(model: string): ConfigError {
  const row = { model, provider: 'name', input: 0.15, output: 0.6, date: '2026-01-31', source: 'where you read it' }
  return new ConfigError(
    'CONFIG_INVALID',
    `there is no price for the model "${model}", so its cost cannot be held. If it runs on your own hardware, start with --local-model (or BZZZ_LOCAL_MODEL=true): it is then priced $0. Else name a file in BZZZ_PRICES_FILE, dollars per million tokens, such as ${priceFile(row)}`,
  )
}
