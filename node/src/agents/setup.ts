import { readFile } from 'node:fs/promises'
import {
  type AgentDefinition,
  BUILT_IN_ROLES,
  createOfflineProvider,
  loadRoles,
  type ModelProvider,
  OFFLINE_MODEL,
  openOpenAiProvider,
  type Role,
} from '@bzzz/agents'
import type { PriceTable } from '@bzzz/budget'
import { ConfigError } from '../config/errors.ts'
import type { Config } from '../config/load.ts'
import { unpricedModel } from '../config/prices.ts'
import { isModelConfigured, type Values } from '../config/settings.ts'

/** The agents that live here, and what answers for them. */
export interface AgentSetup {
  readonly definitions: readonly AgentDefinition[]
  readonly providers: ReadonlyMap<string, ModelProvider>
  readonly model: {
    readonly provider: string
    readonly model: string
    readonly simulated: boolean
    readonly configured: boolean
  }
}

interface SetupOptions {
  readonly config: Config
  readonly prices: PriceTable
  readonly temporaryDirectory: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** What time a provider's reply says it is, wall milliseconds. */
  readonly onServerTime: (wallMs: number) => void
}

/** A model whose window the price table does not name is taken to have this one, which every current model has. */
const ASSUMED_WINDOW_TOKENS = 8_192

/** @throws {ConfigError} for a role that does not exist, or more agents than allowed; {RoleError} with file, line, reason */
export async function setUpAgents(options: SetupOptions): Promise<AgentSetup> {
  const { values, rolesFile } = options.config
  const roles = await rolesByName(rolesFile)
  const provider = await openProvider(options)
  const model = provider.name === 'offline' ? OFFLINE_MODEL : values.openai_model
  if (values.agents.length > 0 && !options.prices.prices.has(model)) throw unpricedModel(model)
  if (values.agents.length > values.max_agents) {
    throw new ConfigError(
      'CONFIG_INVALID',
      `${values.agents.length} agents are configured and MAX_AGENTS is ${values.max_agents}; name fewer agents or raise it`,
    )
  }
  return {
    definitions: values.agents.map((name) => ({
      name,
      role: roleNamed(name, roles, rolesFile),
      model,
      provider: provider.name,
    })),
    providers: new Map([[provider.name, provider]]),
    model: {
      provider: provider.name,
      model,
      simulated: provider.simulated,
      configured: provider.simulated || isModelConfigured(values),
    },
  }
}

async function rolesByName(file: string | undefined): Promise<Map<string, Role>> {
  const own = file === undefined ? [] : loadRoles(await readFile(file, 'utf8'), file)
  return new Map([...BUILT_IN_ROLES, ...own].map((role) => [role.name, role]))
}

function roleNamed(name: string, roles: ReadonlyMap<string, Role>, file: string | undefined): Role {
  const role = roles.get(name)
  if (role !== undefined) return role
  const where = file ?? 'config/custom-agent-roles.json in the data directory'
  throw new ConfigError(
    'CONFIG_INVALID',
    `there is no role "${name}"; known are ${[...roles.keys()].join(', ')}; define further ones in ${where}`,
  )
}

async function openProvider({
  config: { values },
  prices,
  temporaryDirectory,
  env,
  now,
  sleep,
  onServerTime,
}: SetupOptions): Promise<ModelProvider> {
  const kind = values.provider ?? (isModelConfigured(values) ? 'openai' : 'offline')
  if (kind === 'offline') return createOfflineProvider({ temporaryDirectory })
  if (!isModelConfigured(values)) {
    throw new ConfigError(
      'CONFIG_INVALID',
      'the provider openai needs OPENAI_API_KEY (or OPENAI_API_KEY_FILE), or the address of a server in OPENAI_BASE_URL; the provider offline needs neither',
    )
  }
  return openOpenAiProvider({
    ...(values.openai_base_url === undefined ? {} : { baseUrl: values.openai_base_url }),
    readKey: () => readKey(values, env),
    window: (model) => prices.prices.get(model)?.window ?? ASSUMED_WINDOW_TOKENS,
    idleTimeoutMs: values.model_idle_timeout,
    onServerTime,
    now,
    sleep,
  })
}

/** A key that lies in a file is read again for each request, so a new one takes effect without a restart. */
async function readKey(values: Values, env: SetupOptions['env']): Promise<string | undefined> {
  const file = env.OPENAI_API_KEY_FILE ?? ''
  if ((env.OPENAI_API_KEY ?? '') !== '' || file === '') return values.openai_api_key
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new ConfigError(
      'CONFIG_UNREADABLE',
      `OPENAI_API_KEY_FILE: cannot read ${file}: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}
