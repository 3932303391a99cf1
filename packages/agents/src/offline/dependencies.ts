import type { ChangedFile, ChangeSet } from '@bzzz/protocols'
import { z } from 'zod'
import { isNodeLockfile } from '../change/lockfiles.ts'
import type { Claim } from './claim.ts'

const RULE = 'bzzz/dependency-without-lockfile'

/** Dependencies that a `package.json` gained although no lock file changed: what gets installed was never recorded. */
export function findUnlockedDependencies(change: ChangeSet, files: readonly ChangedFile[]): Claim[] {
  if (change.files.some((file) => file.status !== 'deleted' && isNodeLockfile(file.path))) return []
  const locked = change.lockfiles.some(isNodeLockfile)
  const manifests = files.filter((file) => /(?:^|\/)package\.json$/.test(file.path))
  return manifests.flatMap((file) =>
    addedDependencies(file).map(({ line, name }) => ({
      file: file.path,
      line,
      rule: RULE,
      severity: locked ? 'medium' : 'low',
      message: locked
        ? `Dependency "${name}" was added, but the lock file is unchanged: an install fails or picks a version that nobody reviewed.`
        : `Dependency "${name}" was added without a lock file: every install may pick another version.`,
      suggestion: 'Run the package manager and commit its lock file with this change.',
    })),
  )
}

const PAIR = /^\s*"([^"]+)"\s*:\s*"([^"]*)"\s*,?\s*$/

function addedDependencies(file: ChangedFile): { line: number; name: string }[] {
  const lines = file.hunks.flatMap((hunk) => hunk.lines)
  const names = (kind: 'added' | 'deleted') =>
    lines.flatMap((line) => {
      const [, name = '', version = ''] = (line.kind === kind && PAIR.exec(line.text)) || []
      return name === '' ? [] : [{ line: line.line, name, version }]
    })
  const before = new Set(names('deleted').map(({ name }) => name))
  const isDependency = dependencyTest(file.text)
  return names('added').filter(({ name, version }) => !before.has(name) && isDependency(name, version))
}

const versions = z.record(z.string(), z.string()).optional().catch(undefined)
const manifest = z.object({
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
})

type DependencyTest = (name: string, version: string) => boolean

/** With the whole file at hand, what stands in its lists of dependencies; else what looks like a version. */
function dependencyTest(text: string | undefined): DependencyTest {
  const lists = text === undefined ? undefined : parseManifest(text)
  if (lists === undefined) return looksLikeDependency
  return (name, version) => lists.some((list) => list?.[name] === version)
}

function parseManifest(text: string): (Record<string, string> | undefined)[] | undefined {
  try {
    return Object.values(manifest.parse(JSON.parse(text)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

// Keys of package.json whose value is a version without being a dependency's.
const OTHER_VERSIONS: ReadonlySet<string> = new Set(['version', 'node', 'npm', 'pnpm', 'yarn', 'vscode'])

function looksLikeDependency(name: string, version: string): boolean {
  return !OTHER_VERSIONS.has(name) && /^(?:[\^~]|[<>]=?)?\s*\d+(?:\.|$)/.test(version)
}
