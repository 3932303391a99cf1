import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { meshFormed, openTestMesh, type TestMesh } from '../node/nodes.ts'
import type { ModelServer } from './model-server.ts'

/** Dollars a million tokens of the one model there is. */
export const PRICE = { input: 0.5, output: 2 }

/** Three formed nodes whose calls all go to one foreign server. @param directory where the price list is written */
export async function openHouse(directory: string, server: ModelServer): Promise<TestMesh> {
  const pricesFile = join(directory, 'prices.json')
  const house = { model: 'house-large', provider: 'house', window: 128_000, date: '2026-11-22', source: 'a test' }
  const models = [{ ...house, input: PRICE.input.toFixed(2), output: PRICE.output.toFixed(2) }]
  await writeFile(pricesFile, JSON.stringify({ currency: 'USD', unit: 'per million tokens', models }))
  const mesh = await openTestMesh({
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
      ['acacia', 'security'],
    ],
    flags: { openai_base_url: server.baseUrl, openai_model: 'house-large', openai_max_tokens: 1_500 },
    env: { OPENAI_API_KEY: 'sk-of-a-test' },
    pricesFile,
  })
  await meshFormed(mesh, 3)
  return mesh
}
