import { Linter } from 'eslint'
import security from 'eslint-plugin-security'
import sonarjs from 'eslint-plugin-sonarjs'
import tseslint from 'typescript-eslint'
import type { LintSource, RuleReport } from './lint-job.ts'
import { relativeImports } from './relative-imports.ts'
import { scriptEnding } from './script-files.ts'
import { looksAtStructure, selectionFor, severityOf, WHOLE_FILE_RULES } from './selections.ts'

/** A relative import that stays in the compiled program. */
export interface ImportEdge {
  /** Index of the source. */
  readonly source: number
  readonly line: number
  readonly specifier: string
}

export interface ScriptReport {
  readonly reports: readonly Omit<RuleReport, 'source'>[]
  readonly imports: readonly Omit<ImportEdge, 'source'>[]
  /** Set when ESLint could not read the text. */
  readonly unread?: string
}

/**
 * ESLint over one text. Its `Linter` takes text and configuration and opens no file: no configuration, plugin or ignore
 * list of the reviewed repository can come in, and comments in the text neither configure nor silence it.
 */
export function lintScript(source: LintSource, role: string): ScriptReport {
  const whole = verify(source.text, source, role)
  if (whole.unread === undefined || !source.fragment) return whole
  // A piece out of the middle of a file seldom parses; some of its lines do.
  const lines = source.text.split('\n').map((text) => verify(text, source, role))
  const reports = lines.flatMap((line, index) => line.reports.map((report) => ({ ...report, line: index + 1 })))
  return { reports, imports: [], unread: whole.unread }
}

const linter = new Linter({ configType: 'flat' })

function verify(text: string, source: LintSource, role: string): ScriptReport {
  // The path itself stays out: ESLint ignores some folders by name.
  const filename = `source${scriptEnding(source.path)}`
  try {
    return read(linter.verify(text, configFor(role, source.fragment), { filename, allowInlineConfig: false }), role)
  } catch (error) {
    // ESLint throws when a rule fails on some unforeseen text; the review goes on without this file and says so.
    return { reports: [], imports: [], unread: `a rule failed: ${firstLine(error)}` }
  }
}

const IMPORT_RULE = 'bzzz/relative-imports'
// Rules know built-in functions only where they are declared.
const GLOBALS = ['global', 'self', 'setImmediate', 'setInterval', 'setTimeout', 'window']

function configFor(role: string, fragment: boolean): Linter.Config[] {
  const chosen = Object.entries(selectionFor(role)).filter(([rule]) => !fragment || !WHOLE_FILE_RULES.has(rule))
  const rules = chosen.map(([rule, choice]) => [
    rule,
    typeof choice === 'string' ? 'warn' : ['warn', ...choice.slice(1)],
  ])
  const structure = looksAtStructure(role) ? { [IMPORT_RULE]: 'warn' } : {}
  return [
    {
      files: ['**/*.{js,cjs,mjs,jsx,ts,cts,mts,tsx}'],
      languageOptions: {
        parser: tseslint.parser,
        globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])),
      },
      linterOptions: { reportUnusedDisableDirectives: 'off' },
      plugins: {
        '@typescript-eslint': tseslint.plugin,
        bzzz: { rules: { 'relative-imports': relativeImports } },
        security,
        sonarjs,
      },
      rules: { ...Object.fromEntries(rules), ...structure },
    } as Linter.Config,
  ]
}

function read(messages: readonly Linter.LintMessage[], role: string): ScriptReport {
  const fatal = messages.find((message) => message.fatal)
  if (fatal !== undefined) return { reports: [], imports: [], unread: `line ${fatal.line}: ${fatal.message}` }
  const selection = selectionFor(role)
  return {
    reports: messages.flatMap(({ line, ruleId, message }) => {
      const choice = selection[ruleId ?? '']
      return ruleId === null || choice === undefined
        ? []
        : [{ line, rule: ruleId, severity: severityOf(choice), message }]
    }),
    imports: messages.filter((it) => it.ruleId === IMPORT_RULE).map((it) => ({ line: it.line, specifier: it.message })),
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}
