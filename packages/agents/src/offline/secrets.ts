import { createEngine } from '@secretlint/node'
import { z } from 'zod'

export type ScanSecrets = (text: string, path: string) => Promise<readonly SecretReport[]>
export interface SecretReport {
  /** From 1. */
  readonly line: number
  readonly rule: string
  /** Names the kind of secret, the secret itself masked. */
  readonly message: string
}

const results = z.array(
  z.object({
    messages: z.array(
      z.object({ ruleId: z.string(), message: z.string(), loc: z.object({ start: z.object({ line: z.number() }) }) }),
    ),
  }),
)

/** Secretlint with its recommended rules; neither configuration files nor comments in the text reach it. */
export async function openSecretScan(): Promise<ScanSecrets> {
  const engine = await createEngine({
    formatter: 'json',
    color: false,
    maskSecrets: true,
    configFileJSON: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend' }] },
  })
  return async (text, filePath) => {
    const { output } = await engine.executeOnContent({ content: withoutDirectives(text), filePath })
    const messages = results.parse(JSON.parse(output)).flatMap((result) => result.messages)
    return messages.map(({ ruleId, message, loc }) => ({ line: loc.start.line, rule: ruleId, message }))
  }
}

/**
 * The preset obeys comments such as `secretlint-disable`, by which the author of a change could silence the scan, and
 * Secretlint 12.0.0 ignores `disabled` for a rule inside a preset. Spelt otherwise, they are comments like any other.
 */
function withoutDirectives(text: string): string {
  return text.replace(/secretlint-/gi, 'secretlint_')
}
