/** Lock files of Node's package managers: what a new dependency in `package.json` must change. */
const NODE_LOCKFILES: ReadonlySet<string> = new Set([
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'bun.lockb',
])

const OTHER_LOCKFILES: ReadonlySet<string> = new Set([
  'Cargo.lock',
  'Gemfile.lock',
  'Pipfile.lock',
  'composer.lock',
  'deno.lock',
  'flake.lock',
  'go.sum',
  'gradle.lockfile',
  'mix.lock',
  'packages.lock.json',
  'pdm.lock',
  'poetry.lock',
  'pubspec.lock',
  'uv.lock',
])

export function isNodeLockfile(path: string): boolean {
  return NODE_LOCKFILES.has(baseName(path))
}

/** Whether a package manager writes this file: its lines are not for reading. */
export function isLockfile(path: string): boolean {
  return isNodeLockfile(path) || OTHER_LOCKFILES.has(baseName(path))
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
