const SCRIPT = /\.(?:d\.[cm]?ts|[cm]?[jt]s|[jt]sx)$/

/** Whether ESLint can read such a file: JavaScript, TypeScript, and both with JSX. */
export function isScript(path: string): boolean {
  return SCRIPT.test(path)
}

/** `.ts`, `.d.ts`, `.jsx` and so on: all that a linter needs to know of a path. */
export function scriptEnding(path: string): string {
  return SCRIPT.exec(path)?.[0] ?? ''
}
