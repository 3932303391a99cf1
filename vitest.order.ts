import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes long although the file is small, the longest first. */
const LONGEST = [
  'test/crash/kill-points.test.ts',
  'test/node/laptop.test.ts',
  'test/crash/sigterm.test.ts',
  'test/demo/demo.test.ts',
  'test/node/copied.test.ts',
  'test/review/this-repository.test.ts',
  'packages/threads/test/equivocation-schedules.test.ts',
  'packages/agents/test/offline/fixtures.test.ts',
]
const WITH_WHOLE_NODES = '/test/'

/**
 * Long files first, so that no core is idle while the last one runs. Vitest does so with the durations of an earlier run; a
 * fresh clone has none, and would begin with the files of the most bytes.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    if (sorted.some((file) => this.ctx.cache.getTestSpecificationResult(file) !== undefined)) return sorted
    const { root } = this.ctx.config
    return sorted.toSorted((a, b) => place(a.moduleId.slice(root.length)) - place(b.moduleId.slice(root.length)))
  }
}

function place(path: string): number {
  const known = LONGEST.indexOf(path.slice(1))
  if (known !== -1) return known
  return path.startsWith(WITH_WHOLE_NODES) ? LONGEST.length : LONGEST.length + 1
}
