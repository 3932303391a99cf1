import type { Severity } from '@bzzz/protocols'

/** What the lint process is given on its standard input, as JSON. */
export interface LintJob {
  readonly role: string
  readonly sources: readonly LintSource[]
}

export interface LintSource {
  /** Its ending tells the language. */
  readonly path: string
  readonly text: string
  /** A part of a file: judged only by rules that need no more. */
  readonly fragment: boolean
}

/** What it answers on its standard output. */
export interface LintReport {
  /** Names and versions of the linters that ran. */
  readonly linters: readonly string[]
  readonly reports: readonly RuleReport[]
  /** Sources that no rule of a linter could read, but for the secret scan; a fragment may have been read in part. */
  readonly unread: readonly { readonly source: number; readonly reason: string }[]
}

export interface RuleReport {
  /** Index of the source. */
  readonly source: number
  /** In the source, from 1. */
  readonly line: number
  readonly rule: string
  readonly severity: Severity
  readonly message: string
}
