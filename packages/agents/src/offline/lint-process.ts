import { createRequire } from 'node:module'
import { json } from 'node:stream/consumers'
import { findCycles } from './cycles.ts'
import type { LintJob, LintReport, RuleReport } from './lint-job.ts'
import { isScript } from './script-files.ts'
import { type ImportEdge, lintScript } from './scripts.ts'
import { openSecretScan } from './secrets.ts'
import { looksForSecrets } from './selections.ts'

/*
 * The process that runs the linters: a job in, a report out. It is a process of its own so that the node never waits for
 * a linter, and so that one which hangs or takes too much memory can be ended. It imports nothing of other rooms.
 */

const LINTERS = ['eslint', 'typescript-eslint', 'eslint-plugin-security', 'eslint-plugin-sonarjs']
const SECRET_SCAN = '@secretlint/node'

async function lint({ role, sources }: LintJob): Promise<LintReport> {
  const secrets = await findSecrets(role, sources)
  const reports: RuleReport[][] = []
  const imports: ImportEdge[][] = []
  const unread: LintReport['unread'][number][] = []
  sources.forEach((text, source) => {
    if (!isScript(text.path)) return
    const found = lintScript(text, role)
    reports.push(found.reports.map((report) => ({ ...report, source })))
    imports.push(found.imports.map((edge) => ({ ...edge, source })))
    if (found.unread !== undefined) unread.push({ source, reason: found.unread })
  })
  const cycles = findCycles(sources, imports.flat())
  const linters = looksForSecrets(role) ? [...LINTERS, SECRET_SCAN] : LINTERS
  return { linters: linters.map(withVersion), reports: [secrets, ...reports, cycles].flat(), unread }
}

async function findSecrets(role: string, sources: LintJob['sources']): Promise<RuleReport[]> {
  if (!looksForSecrets(role)) return []
  const scan = await openSecretScan()
  const found = await Promise.all(sources.map(({ text, path }) => scan(text, path)))
  return found.flatMap((secrets, source) => secrets.map((secret) => ({ ...secret, source, severity: 'critical' })))
}

function withVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string }
  return `${name} ${version}`
}

const report = await lint((await json(process.stdin)) as LintJob)
process.stdout.write(JSON.stringify(report))
