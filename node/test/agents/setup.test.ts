import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AgentSetup, setUpAgents } from '../../src/agents/setup.ts'
import { loadConfig } from '../../src/config/load.ts'
import { readPriceTable } from '../../src/config/prices.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-setup-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

async function setUp(flags: Record<string, unknown>, env: Record<string, string> = {}): Promise<AgentSetup> {
  const config = loadConfig({ flags, env, dataDirectory: directory })
  const prices = await readPriceTable({ prices_file: undefined, local_model: false, openai_model: 'gpt-4o-mini' })
  const sleep = () => Promise.reject(new Error('nobody waits here'))
  return setUpAgents({
    config,
    prices,
    temporaryDirectory: directory,
    env,
    now: () => 0,
    sleep,
    onServerTime: () => {},
  })
}

async function customRoles(content: string): Promise<string> {
  const path = join(directory, 'config', 'custom-agent-roles.json')
  await mkdir(join(directory, 'config'), { recursive: true })
  await writeFile(path, content)
  return path
}

describe('roles', () => {
  test('each configured role becomes an agent of its name', async () => {
    const { definitions } = await setUp({ agents: 'architect,security' })
    expect(definitions.map(({ name, role }) => [name, role.name])).toEqual([
      ['architect', 'architect'],
      ['security', 'security'],
    ])
  })

  test("an operator's own role is there beside the built-in ones", async () => {
    await customRoles(JSON.stringify({ roles: [{ name: 'poet', system_prompt: 'Look for rhymes.' }] }))
    const { definitions } = await setUp({ agents: 'poet,reviewer' })
    expect(definitions[0]?.role.systemPrompt).toBe('Look for rhymes.')
  })

  test('a role that does not exist is refused with those that do, and the place to define one', async () => {
    await expect(setUp({ agents: 'poet' })).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^there is no role "poet"; known are .*architect.*custom-agent-roles\.json/),
    })
  })

  test('a role file that cannot be read is named with the line', async () => {
    const path = await customRoles('{\n "roles": [\n  { "name": "poet" }\n ]\n}')
    await expect(setUp({ agents: 'architect' })).rejects.toThrow(`${path}:3: `)
  })

  test('more agents than MAX_AGENTS are refused with both figures', async () => {
    await expect(setUp({ agents: 'architect,security', max_agents: 1 })).rejects.toThrow(
      '2 agents are configured and MAX_AGENTS is 1',
    )
  })
})

describe('providers', () => {
  test('without a key or an endpoint, rules answer and say that they are no model', async () => {
    const { model, definitions } = await setUp({ agents: 'architect' })
    expect(model).toMatchObject({ provider: 'offline', model: 'offline-rules', simulated: true, configured: true })
    expect(definitions[0]).toMatchObject({ provider: 'offline', model: 'offline-rules' })
  })

  test.each([
    ['a key', { OPENAI_API_KEY: 'sk-0123456789' }],
    ['an endpoint', { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' }],
  ])('with %s, the model answers', async (_, env) => {
    const { model } = await setUp({ agents: 'architect', openai_model: 'gpt-4o' }, env)
    expect(model).toEqual({ provider: 'openai', model: 'gpt-4o', simulated: false, configured: true })
  })

  test('a model asked for by name without key or endpoint is refused, with what is missing', async () => {
    await expect(setUp({ agents: 'architect', provider: 'openai' })).rejects.toThrow(/OPENAI_API_KEY.*OPENAI_BASE_URL/)
  })

  test('a model without a price is refused at once, with what to write where', async () => {
    const flags = { agents: 'architect', openai_base_url: 'http://127.0.0.1:9/v1', openai_model: 'unheard-of' }
    await expect(setUp(flags)).rejects.toThrow(/no price for the model "unheard-of".*--local-model.*BZZZ_PRICES_FILE/)
  })

  test('a local model is priced 0, and only when the operator says that it is one', async () => {
    const asked = { prices_file: undefined, openai_model: 'unheard-of' }
    const price = (await readPriceTable({ ...asked, local_model: true })).prices.get('unheard-of')
    expect(price).toMatchObject({ input: 0n, output: 0n, local: true })
    expect((await readPriceTable({ ...asked, local_model: false })).prices.has('unheard-of')).toBe(false)
  })

  test('the window is the one of the price table, and a cautious one for other models', async () => {
    const provider = (await setUp({ openai_base_url: 'http://127.0.0.1:9/v1' })).providers.get('openai')
    expect([provider?.window('gpt-4'), provider?.window('gpt-4o'), provider?.window('unheard-of')]).toEqual([
      8_192, 128_000, 8_192,
    ])
  })
})
