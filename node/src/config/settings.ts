import { hostname } from 'node:os'
import { z } from 'zod'
import { readDuration } from './duration.ts'

/** One setting: where it may come from, what it may be, and what it is for. The table below is the whole configuration. */
export interface Setting<S extends z.ZodType = z.ZodType, F = z.output<S> | undefined> {
  readonly env?: string
  /** A secret comes from the environment or from the file that `<env>_FILE` names; it is never printed. */
  readonly secret?: boolean
  readonly shape: S
  readonly fallback: F
  readonly help: string
  /** The value is in milliseconds, and people read it as `90s`. */
  readonly isDuration?: boolean
}

function setting<S extends z.ZodType>(of: Setting<S, z.output<S>>): Setting<S, z.output<S>> {
  return of
}

/** Not set unless somebody sets it. */
function optional<S extends z.ZodType>(of: Omit<Setting<S>, 'fallback'>): Setting<S, undefined> {
  return { ...of, fallback: undefined }
}

const port = z.coerce.number().int().min(0).max(65_535)
const positive = z.coerce.number().int().min(1)
const dollars = z.coerce.number().min(0).max(1_000_000)
const list = z.union([z.array(z.string()), z.string().transform((text) => text.split(',').map((part) => part.trim()))])
const listOf = (item: z.ZodType<string, string>) =>
  list.transform((parts) => parts.filter((part) => part !== '')).pipe(z.array(item))
/** Milliseconds. A timer of Node takes no more than 24 days, and nobody waits so long for a model. */
const MAX_DURATION_MS = 86_400_000
const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = readDuration(String(value))
  if (ms !== undefined && ms >= 1 && ms <= MAX_DURATION_MS) return ms
  context.addIssue({ code: 'custom', message: 'a duration, e.g. 90s or 10m, at most 24h' })
  return z.NEVER
})
// `localhost:11434/v1` is a URL too, of the scheme `localhost`.
const endpoint = z
  .url({ protocol: /^https?$/, error: 'an address that begins with http:// or https://' })
  .refine((url) => !URL.canParse(url) || new URL(url).username === '', {
    message: 'an address without a name or password in it; a key belongs into OPENAI_API_KEY',
  })
const label = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'letters, digits, . _ -, at most 63')

export const settings = {
  node_id: setting({
    env: 'BZZZ_NODE_ID',
    shape: label,
    fallback:
      hostname()
        .replace(/[^A-Za-z0-9._-]/g, '-')
        .slice(0, 63) || 'node',
    help: 'Name of this node for people; its identity is its key',
  }),
  network_id: setting({ env: 'BZZZ_NETWORK_ID', shape: label, fallback: 'bzzz', help: 'Name of the mesh for people' }),
  node_role: optional({
    env: 'NODE_ROLE',
    shape: z.enum(['primary', 'secondary']),
    help: 'Accepted for the deployment guide; no node is in charge, so it changes nothing yet',
  }),
  p2p_host: setting({
    env: 'BZZZ_P2P_HOST',
    shape: z.string(),
    fallback: '0.0.0.0',
    help: 'Address on which peers reach this node',
  }),
  p2p_port: setting({
    env: 'BZZZ_P2P_PORT',
    shape: port,
    fallback: 4001,
    help: 'Port for peers; 0 takes any free one',
  }),
  bootstrap: setting({
    env: 'BZZZ_BOOTSTRAP',
    shape: listOf(
      z.string().startsWith('/').includes('/p2p/', { message: 'must be a multiaddr ending in /p2p/<peer id>' }),
    ),
    fallback: [],
    help: 'Further addresses of members, as multiaddrs ending in /p2p/<peer id>',
  }),
  network_secret: optional({
    env: 'BZZZ_NETWORK_SECRET',
    secret: true,
    shape: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
    help: 'Shared secret of the mesh; `bzzz init` writes it to the data directory',
  }),
  owner_key_file: optional({
    env: 'BZZZ_OWNER_KEY_FILE',
    shape: z.string().min(1),
    help: "File of the mesh owner's key, where it does not lie in the data directory; limits and members change by it",
  }),
  http_host: setting({
    env: 'BZZZ_HTTP_HOST',
    shape: z.string(),
    fallback: '127.0.0.1',
    help: 'Address of both HTTP listeners',
  }),
  http_port: setting({ env: 'BZZZ_HTTP_PORT', shape: port, fallback: 8080, help: 'Port of the node API' }),
  mcp_port: setting({ env: 'BZZZ_MCP_PORT', shape: port, fallback: 8081, help: 'Port of the agents API' }),
  token: optional({
    env: 'BZZZ_TOKEN',
    secret: true,
    shape: z.string().min(16, 'at least 16 characters'),
    help: 'Bearer token of the local API; made at the first start when it is not set',
  }),
  agents: setting({
    env: 'BZZZ_AGENTS',
    shape: listOf(z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a role name')),
    fallback: [],
    help: 'Roles of the agents that live here, e.g. architect,security',
  }),
  projects: setting({
    env: 'BZZZ_PROJECTS',
    shape: listOf(z.string().max(128)),
    fallback: [],
    help: 'Projects that this node keeps up with, e.g. shop,bank; of others it takes a conversation when it has a seat in it or is asked for it. None: all',
  }),
  provider: optional({
    env: 'BZZZ_PROVIDER',
    shape: z.enum(['offline', 'openai']),
    help: 'offline: rules without a language model; openai: any OpenAI-compatible endpoint. Default: openai when a key or base URL is set',
  }),
  openai_base_url: optional({
    env: 'OPENAI_BASE_URL',
    shape: endpoint,
    help: 'Endpoint, e.g. http://127.0.0.1:11434/v1',
  }),
  openai_api_key: optional({
    env: 'OPENAI_API_KEY',
    secret: true,
    shape: z.string().min(1),
    help: 'Key for the endpoint',
  }),
  openai_model: setting({
    env: 'OPENAI_MODEL',
    shape: z.string().min(1).max(100),
    fallback: 'gpt-4o-mini',
    help: 'Model of agents that name none',
  }),
  openai_max_tokens: setting({
    env: 'OPENAI_MAX_TOKENS',
    shape: positive,
    fallback: 4000,
    help: 'Upper bound of one reply, in tokens',
  }),
  openai_temperature: setting({
    env: 'OPENAI_TEMPERATURE',
    shape: z.coerce.number().min(0).max(2),
    fallback: 0.2,
    help: 'Left out for models that refuse it',
  }),
  model_idle_timeout: setting({
    env: 'BZZZ_MODEL_IDLE_TIMEOUT',
    shape: duration,
    fallback: 120_000,
    isDuration: true,
    help: 'How long the endpoint may be silent, before its first token and between any two: a model may have to load first',
  }),
  model_timeout: setting({
    env: 'BZZZ_MODEL_TIMEOUT',
    shape: duration,
    fallback: 600_000,
    isDuration: true,
    help: 'How long one reply may take from the request to its last token; raise it for a slow model on own hardware',
  }),
  prices_file: optional({
    env: 'BZZZ_PRICES_FILE',
    shape: z.string(),
    help: 'Prices of further models, as JSON; a model without a price is refused',
  }),
  local_model: setting({
    env: 'BZZZ_LOCAL_MODEL',
    shape: z.union([z.boolean(), z.stringbool()]),
    fallback: false,
    help: 'true: the model runs on own hardware and is priced $0',
  }),
  daily_limit: optional({
    env: 'DAILY_COST_LIMIT',
    shape: dollars,
    help: 'Dollars a UTC day: seeds `init`; afterwards a lower value caps this node',
  }),
  monthly_limit: optional({
    env: 'MONTHLY_COST_LIMIT',
    shape: dollars,
    help: 'Dollars a UTC month, likewise',
  }),
  per_agent_daily: optional({
    shape: dollars,
    help: 'Dollars a UTC day for one agent, from cost-limits.json: seeds `init`, without effect afterwards',
  }),
  warning_threshold: setting({
    env: 'COST_WARNING_THRESHOLD',
    shape: z.coerce.number().min(0).max(1),
    fallback: 0.8,
    help: 'Part of a limit at which a warning is due: seeds `init`, without effect afterwards',
  }),
  critical_threshold: setting({
    shape: z.coerce.number().min(0).max(1),
    fallback: 0.95,
    help: 'Likewise, for what is critical; from cost-limits.json',
  }),
  max_agents: setting({ env: 'MAX_AGENTS', shape: positive.max(32), fallback: 5, help: 'Agents on this node' }),
  log_level: setting({
    env: 'BZZZ_LOG_LEVEL',
    shape: z.enum(['debug', 'info', 'warn', 'error']),
    fallback: 'info',
    help: 'What is logged',
  }),
}

export type SettingName = keyof typeof settings
export type Values = {
  readonly [K in SettingName]: undefined extends (typeof settings)[K]['fallback']
    ? z.output<(typeof settings)[K]['shape']> | undefined
    : z.output<(typeof settings)[K]['shape']>
}

export function isModelConfigured(values: Values): boolean {
  return values.openai_api_key !== undefined || values.openai_base_url !== undefined
}

/** Keys of the deployment guide that nothing reads yet: named in `bzzz config`, so that nobody waits for their effect. */
export const notYetUsed = [
  'MAX_ACTIVE_THREADS',
  'THREAD_TIMEOUT',
  'DATABASE_URL',
  'POSTGRES_PASSWORD',
  'WHOOSH_API_URL',
  'SLURP_API_URL',
  'SLACK_WEBHOOK_URL',
  'GRAFANA_PASSWORD',
  'SMTP_URL',
] as const
