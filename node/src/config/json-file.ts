import { readFileSync } from 'node:fs'
import { lineOfSyntaxError } from '@bzzz/agents'
import { ConfigError } from './errors.ts'

/** Settings files are small; a larger one is a mistake. */
const MAX_FILE_BYTES = 1024 * 1024

/**
 * Reads a JSON object; `${NAME}` inside its strings is taken from the environment, and empty is an error.
 * @throws {ConfigError} with file, line and reason
 */
export function readJsonFile(path: string, env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const text = readText(path)
  const value = resolveReferences(parseJson(text, path), path, env)
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError('CONFIG_INVALID', `${path}:1: must be a JSON object`)
  return value as Record<string, unknown>
}

function readText(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length > MAX_FILE_BYTES) throw new ConfigError('CONFIG_INVALID', `${path}: larger than 1 MiB`)
    return text
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError('CONFIG_UNREADABLE', `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ConfigError(
      'CONFIG_INVALID',
      `${path}:${lineOfSyntaxError(text)}: not JSON: ${(cause as Error).message}`,
      { cause },
    )
  }
}

function resolveReferences(value: unknown, path: string, env: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\{([A-Z0-9_]+)\}/g, (_, name: string) => referenced(name, path, env))
  if (Array.isArray(value)) return value.map((item) => resolveReferences(item, path, env))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveReferences(item, path, env)]))
}

function referenced(name: string, path: string, env: Readonly<Record<string, string | undefined>>): string {
  const value = env[name]
  if (value === undefined || value === '')
    throw new ConfigError('CONFIG_INVALID', `${path}: \${${name}} is empty; set ${name} in the environment`)
  return value
}
