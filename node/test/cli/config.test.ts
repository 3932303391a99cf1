import { expect, test } from 'vitest'
import { run } from './command-line.ts'

const BARE = { BZZZ_DATA_DIR: '/nonexistent/bzzz' }

test('every setting is shown with where its value came from, and durations as people write them', async () => {
  const { code, out } = await run(['config'], { ...BARE, BZZZ_MODEL_TIMEOUT: '1.5h' })
  expect(code).toBe(0)
  expect(out).toMatch(/^model_idle_timeout +2m +default +BZZZ_MODEL_IDLE_TIMEOUT +How long the endpoint may be silent/m)
  expect(out).toMatch(/^model_timeout +90m +BZZZ_MODEL_TIMEOUT +BZZZ_MODEL_TIMEOUT +How long one reply may take/m)
})

test('with --json, too; and no secret is shown', async () => {
  const { out } = await run(['config', '--json'], { ...BARE, OPENAI_API_KEY: 'sk-0123456789' })
  const { settings } = JSON.parse(out) as { settings: { name: string; value: unknown }[] }
  const shown = (name: string) => settings.find((setting) => setting.name === name)?.value
  expect([shown('model_timeout'), shown('openai_api_key'), shown('token')]).toEqual(['10m', '(set)', null])
  expect(out).not.toContain('sk-0123456789')
})
