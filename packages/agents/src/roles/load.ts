import { roleName } from '@bzzz/protocols'
import { z } from 'zod'
import { BUILT_IN_ROLES } from './built-in.ts'
import { lineOfPath, lineOfSyntaxError } from './json-lines.ts'
import type { Role } from './role.ts'

/** A role file that cannot be used. The message reads `file:line: reason`. */
export class RoleError extends Error {
  override readonly name = 'RoleError'
  readonly code: 'BAD_ROLE_FILE' = 'BAD_ROLE_FILE'
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly reason: string

  constructor(file: string, line: number, reason: string, options?: { cause?: unknown }) {
    super(`${file}:${line}: ${reason}`, options)
    this.file = file
    this.line = line
    this.reason = reason
  }
}

const MAX_ROLES = 64
const text = z.string().max(255)
const roleFile = z.strictObject({
  roles: z
    .array(
      z.strictObject({
        name: roleName,
        specialization: text.default(''),
        capabilities: z.array(z.string().min(1).max(64)).max(32).default([]),
        system_prompt: z.string().trim().min(1).max(32_768),
        interaction_patterns: z.record(z.string().max(64), text).default({}),
      }),
    )
    .max(MAX_ROLES),
})

/**
 * Reads `custom-agent-roles.json`.
 * @param file its name, for messages
 * @throws {RoleError}
 */
export function loadRoles(json: string, file: string): Role[] {
  const parsed = roleFile.safeParse(parseJson(json, file))
  if (!parsed.success) throw refusal(json, file, parsed.error)
  const { roles } = parsed.data
  const twice = roles.findIndex((role, index) => roles.findIndex(({ name }) => name === role.name) < index)
  if (twice >= 0) {
    throw new RoleError(file, lineOfPath(json, ['roles', twice, 'name']), `role ${roles[twice]?.name} is there twice`)
  }
  return roles.map(({ system_prompt, interaction_patterns, ...role }) => ({
    ...role,
    systemPrompt: system_prompt,
    interactionPatterns: interaction_patterns,
  }))
}

/** The built-in roles and the custom ones; a custom role takes the place of a built-in one of its name. */
export function roleCatalogue(custom: readonly Role[]): ReadonlyMap<string, Role> {
  return new Map([...BUILT_IN_ROLES, ...custom].map((role) => [role.name, role]))
}

function parseJson(json: string, file: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new RoleError(file, lineOfSyntaxError(json), `not JSON: ${message}`, { cause })
  }
}

function refusal(json: string, file: string, error: z.ZodError): RoleError {
  const [issue] = error.issues
  const path = issue?.path ?? []
  const where = path.length === 0 ? 'the file' : path.map(String).join('.')
  return new RoleError(file, lineOfPath(json, path), `${where}: ${issue?.message ?? 'wrong shape'}`, { cause: error })
}
