import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { durationText, readDuration } from '../../src/config/duration.ts'
import { type Config, loadConfig } from '../../src/config/load.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-config-'))
  await mkdir(join(directory, 'config'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const reference = (name: string) => ['$', '{', name, '}'].join('')

function load(env: Record<string, string> = {}, flags: Record<string, unknown> = {}): Config {
  return loadConfig({ env, flags, dataDirectory: directory })
}

describe('precedence', () => {
  test('a flag wins over the environment, that over the files, those over the default', async () => {
    await writeFile(join(directory, 'bzzz.json'), JSON.stringify({ http_port: 1, mcp_port: 2, p2p_port: 3 }))
    const config = load({ BZZZ_HTTP_PORT: '11', BZZZ_MCP_PORT: '12' }, { http_port: '111' })
    expect(config.values).toMatchObject({ http_port: 111, mcp_port: 12, p2p_port: 3, http_host: '127.0.0.1' })
    expect(config.provenance.http_port).toEqual({ source: 'flag', from: '--http-port' })
    expect(config.provenance.mcp_port).toEqual({ source: 'environment', from: 'BZZZ_MCP_PORT' })
    expect(config.provenance.p2p_port).toEqual({ source: 'file', from: join(directory, 'bzzz.json') })
    expect(config.provenance.http_host.source).toBe('default')
  })

  test('an empty variable counts as not set', () => {
    expect(load({ BZZZ_HTTP_PORT: '' }).values.http_port).toBe(8080)
  })

  test("the guide's environment keys and its cost-limits.json work", async () => {
    const limits = {
      global_limits: { daily_limit: 50, monthly_limit: 500, per_agent_daily: 20 },
      alert_thresholds: { warning: 0.7, critical: 0.9 },
      alert_channels: { slack_webhook: reference('SLACK_WEBHOOK_URL') },
    }
    await writeFile(join(directory, 'config', 'cost-limits.json'), JSON.stringify(limits))
    const config = load({
      SLACK_WEBHOOK_URL: 'https://hooks.example',
      DAILY_COST_LIMIT: '100.0',
      BZZZ_NODE_ID: 'bzzz-mcp-walnut',
      NODE_ROLE: 'primary',
    })
    expect(config.values).toMatchObject({
      daily_limit: 100,
      monthly_limit: 500,
      per_agent_daily: 20,
      warning_threshold: 0.7,
      node_id: 'bzzz-mcp-walnut',
      node_role: 'primary',
    })
    expect(config.unused).toEqual(['SLACK_WEBHOOK_URL'])
  })
})

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['2.5m', 150_000],
    ['1500ms', 1_500],
    ['24h', 86_400_000],
    ['7', 7_000],
  ])('%s is read as %d ms', (text, ms) => {
    expect(load({ BZZZ_MODEL_TIMEOUT: text }).values.model_timeout).toBe(ms)
  })

  test('have their defaults, and may be numbers of seconds in bzzz.json', async () => {
    expect(load().values).toMatchObject({ model_idle_timeout: 120_000, model_timeout: 600_000 })
    await writeFile(join(directory, 'bzzz.json'), JSON.stringify({ model_idle_timeout: 300, model_timeout: '1h' }))
    const { values, provenance } = load()
    expect(values).toMatchObject({ model_idle_timeout: 300_000, model_timeout: 3_600_000 })
    expect(provenance.model_timeout).toEqual({ source: 'file', from: join(directory, 'bzzz.json') })
  })

  test.each(['0', '25h', 'long', '-5s', '1w'])('"%s" is refused', (text) => {
    expect(() => load({ BZZZ_MODEL_IDLE_TIMEOUT: text })).toThrow(
      `BZZZ_MODEL_IDLE_TIMEOUT: "${text}" is not a valid model_idle_timeout: a duration, e.g. 90s or 10m, at most 24h.`,
    )
  })

  test.each([
    [86_400_000, '24h'],
    [600_000, '10m'],
    [90_000, '90s'],
    [1_500, '1500ms'],
  ])('%d ms are written as %s, which is read as the same', (ms, text) => {
    expect(durationText(ms)).toBe(text)
    expect(readDuration(text)).toBe(ms)
  })
})

describe('secrets', () => {
  test('come from the environment or from the file that is named there', async () => {
    const path = join(directory, 'key.txt')
    await writeFile(path, 'sk-test\n')
    expect(load({ OPENAI_API_KEY_FILE: path }).values.openai_api_key).toBe('sk-test')
    expect(load({ OPENAI_API_KEY_FILE: path, OPENAI_API_KEY: 'direct' }).values.openai_api_key).toBe('direct')
  })

  test('are refused in bzzz.json', async () => {
    await writeFile(join(directory, 'bzzz.json'), JSON.stringify({ openai_api_key: 'sk-leaked' }))
    expect(() => load()).toThrow(/"openai_api_key" is a secret; set OPENAI_API_KEY or OPENAI_API_KEY_FILE/)
  })

  test('are not repeated by the error about them', () => {
    expect(() => load({ BZZZ_TOKEN: 'hunter2' })).toThrow(
      /^BZZZ_TOKEN: \(secret\) is not a valid token: at least 16 characters\./,
    )
  })
})

describe('mistakes are named with their place and what to do', () => {
  test.each([
    ['a wrong number', { BZZZ_HTTP_PORT: 'eighty' }, /BZZZ_HTTP_PORT: "eighty" is not a valid http_port/],
    [
      'an endpoint without its scheme',
      { OPENAI_BASE_URL: 'localhost:11434/v1' },
      /OPENAI_BASE_URL: "localhost:11434\/v1" is not a valid openai_base_url: an address that begins with http/,
    ],
    [
      'an endpoint with a password, which is not repeated',
      { OPENAI_BASE_URL: 'http://ana:hunter2@127.0.0.1/v1' },
      /OPENAI_BASE_URL: "http:\/\/\[hidden\]@127.0.0.1\/v1" is not a valid openai_base_url: an address without a name/,
    ],
    ['a port out of range', { BZZZ_P2P_PORT: '70000' }, /BZZZ_P2P_PORT: "70000" is not a valid p2p_port/],
    [
      'a file of a secret that is not there',
      { OPENAI_API_KEY_FILE: '/nowhere/key' },
      /OPENAI_API_KEY_FILE: cannot read \/nowhere\/key/,
    ],
  ])('%s', (_, env, message) => {
    expect(() => load(env)).toThrow(message)
  })

  test('JSON that does not parse, with its line', async () => {
    await writeFile(join(directory, 'bzzz.json'), '{\n  "http_port": 1,\n  oops\n}')
    expect(() => load()).toThrow(/bzzz\.json:3: not JSON/)
  })

  test('a setting that does not exist', async () => {
    await writeFile(join(directory, 'bzzz.json'), '{"htp_port": 1}')
    expect(() => load()).toThrow(/there is no setting "htp_port"; "bzzz config" lists them/)
  })

  test('a reference to a variable that is empty', async () => {
    await writeFile(join(directory, 'bzzz.json'), JSON.stringify({ node_id: reference('NAME_OF_NODE') }))
    expect(() => load()).toThrow(/\$\{NAME_OF_NODE\} is empty; set NAME_OF_NODE/)
    expect(load({ NAME_OF_NODE: 'walnut' }).values.node_id).toBe('walnut')
  })
})
