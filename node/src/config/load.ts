import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError } from './errors.ts'
import { readCostLimits } from './guide-files.ts'
import { readJsonFile } from './json-file.ts'
import { notYetUsed, type Setting, type SettingName, settings, type Values } from './settings.ts'

/** Where a value came from, as `bzzz config` prints it. */
export interface Provenance {
  readonly source: 'flag' | 'environment' | 'file' | 'default'
  /** Name of the flag, variable or file. */
  readonly from: string
}

export interface Config {
  readonly dataDirectory: string
  readonly values: Values
  readonly provenance: Readonly<Record<SettingName, Provenance>>
  /** Set, but without effect in this version. */
  readonly unused: readonly string[]
  /** Path of custom-agent-roles.json, if there is one. */
  readonly rolesFile: string | undefined
}

export interface ConfigInput {
  /** Values given on the command line; they win. */
  readonly flags: Partial<Record<SettingName, unknown>>
  readonly dataDirectory?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

type Layer = {
  readonly source: Provenance['source']
  readonly values: ReadonlyMap<SettingName, { value: unknown; from: string }>
}

/**
 * flags > environment > files (bzzz.json, then cost-limits.json) > defaults.
 * @throws {ConfigError} naming the key, where its value came from and what it should be
 */
export function loadConfig(input: ConfigInput): Config {
  const dataDirectory = resolve(input.dataDirectory ?? input.env.BZZZ_DATA_DIR ?? join(homedir(), '.bzzz'))
  const layers = [flagLayer(input.flags), environmentLayer(input.env), ...fileLayers(dataDirectory, input.env)]
  const values: Partial<Record<SettingName, unknown>> = {}
  const provenance: Partial<Record<SettingName, Provenance>> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const found = firstValue(layers, name)
    values[name] = found === undefined ? settings[name].fallback : parsed(name, found.value, found.from)
    provenance[name] =
      found === undefined ? { source: 'default', from: 'default' } : { source: found.source, from: found.from }
  }
  return {
    dataDirectory,
    values: values as Values,
    provenance: provenance as Record<SettingName, Provenance>,
    unused: notYetUsed.filter((key) => (input.env[key] ?? '') !== ''),
    rolesFile: existing(join(dataDirectory, 'config', 'custom-agent-roles.json')),
  }
}

function firstValue(
  layers: readonly Layer[],
  name: SettingName,
): { value: unknown; from: string; source: Provenance['source'] } | undefined {
  for (const layer of layers) {
    const hit = layer.values.get(name)
    if (hit !== undefined) return { ...hit, source: layer.source }
  }
  return undefined
}

function parsed(name: SettingName, value: unknown, from: string): unknown {
  const setting: Setting = settings[name]
  const result: z.ZodSafeParseResult<unknown> = setting.shape.safeParse(value)
  if (result.success) return result.data
  // An address may hold a password.
  const shown = setting.secret === true ? '(secret)' : JSON.stringify(value).replace(/\/\/[^/@"]*@/, '//[hidden]@')
  throw new ConfigError(
    'CONFIG_INVALID',
    `${from}: ${shown} is not a valid ${name}: ${result.error.issues[0]?.message ?? 'wrong'}. ${setting.help}.`,
  )
}

function flagLayer(flags: ConfigInput['flags']): Layer {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined)
  return {
    source: 'flag',
    values: new Map(
      given.map(([name, value]) => [name as SettingName, { value, from: `--${name.replaceAll('_', '-')}` }]),
    ),
  }
}

function environmentLayer(env: ConfigInput['env']): Layer {
  const values = new Map<SettingName, { value: unknown; from: string }>()
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    if (setting.env === undefined) continue
    const direct = env[setting.env]
    const file = setting.secret === true ? env[`${setting.env}_FILE`] : undefined
    if (direct !== undefined && direct !== '') values.set(name, { value: direct, from: setting.env })
    else if (file !== undefined && file !== '')
      values.set(name, { value: readSecret(file, `${setting.env}_FILE`), from: `${setting.env}_FILE` })
  }
  return { source: 'environment', values }
}

function readSecret(path: string, from: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `${from}: cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

function fileLayers(dataDirectory: string, env: ConfigInput['env']): Layer[] {
  const own = join(dataDirectory, 'bzzz.json')
  const limits = join(dataDirectory, 'config', 'cost-limits.json')
  return [
    { source: 'file', values: entriesOf(existing(own) === undefined ? {} : readOwnFile(own, env), own) },
    { source: 'file', values: entriesOf(existing(limits) === undefined ? {} : readCostLimits(limits, env), limits) },
  ]
}

function entriesOf(values: Partial<Record<SettingName, unknown>>, from: string): Layer['values'] {
  return new Map(Object.entries(values).map(([name, value]) => [name as SettingName, { value, from }]))
}

function readOwnFile(path: string, env: ConfigInput['env']): Partial<Record<SettingName, unknown>> {
  const object = readJsonFile(path, env)
  for (const name of Object.keys(object)) {
    if (!(name in settings))
      throw new ConfigError('CONFIG_INVALID', `${path}: there is no setting "${name}"; "bzzz config" lists them`)
    if ((settings[name as SettingName] as Setting).secret === true) {
      throw new ConfigError(
        'CONFIG_INVALID',
        `${path}: "${name}" is a secret; set ${(settings[name as SettingName] as Setting).env} or ${(settings[name as SettingName] as Setting).env}_FILE instead`,
      )
    }
  }
  return object
}

function existing(path: string): string | undefined {
  try {
    readFileSync(path)
    return path
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ConfigError('CONFIG_UNREADABLE', `cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}
