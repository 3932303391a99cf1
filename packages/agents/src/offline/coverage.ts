import type { ChangedFile } from '@bzzz/protocols'
import type { LintReport } from './lint-job.ts'
import { listed } from './listing.ts'
import { isScript } from './script-files.ts'
import { looksForSecrets } from './selections.ts'
import type { Source } from './sources.ts'

export interface Coverage {
  readonly role: string
  readonly files: readonly ChangedFile[]
  readonly sources: readonly Source[]
  readonly report: LintReport
  readonly found: number
}

/** Says what ran, that it is no language model, what was found, and what could not be checked. */
export function summarize({ role, files, sources, report, found }: Coverage): string {
  const scripts = sources.filter((source) => isScript(source.path))
  const others = sources.filter((source) => !isScript(source.path))
  const pieces = scripts.filter((source) => source.fragment)
  const unparsed = report.unread.map(({ source, reason }) => ({ source: sources[source], reason }))
  const whole = unparsed.filter(({ source }) => source?.fragment === false)
  const parts = [
    `Offline rules (${report.linters.join(', ')}), no language model.`,
    `${counted(found, 'finding')} on the added lines of ${counted(paths(scripts).length, 'script')} (JavaScript, TypeScript).`,
    listed(looksForSecrets(role) ? 'Scanned for secrets, read by no linter' : 'Read by no linter', paths(others)),
    listed('Known only by hunks, so rules that need the whole file did not run', paths(pieces)),
    listed(
      'Could not be parsed',
      whole.map(({ source, reason }) => `${source?.path} (${reason})`),
    ),
    listed(
      'Not read',
      files.flatMap(({ path, omitted }) => (omitted === undefined ? [] : [`${path} (${omitted})`])),
    ),
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function paths(sources: readonly Source[]): string[] {
  return [...new Set(sources.map((source) => source.path))]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
