import type { ChangeSet, Finding } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { verifyFinding } from '../../src/change/evidence.ts'
import { readPatch } from '../../src/change/patch.ts'

const hunk = readPatch(
  `--- a/a.ts
+++ b/a.ts
@@ -10,4 +10,5 @@
 function run(text) {
-  return parse(text)
+  const value = eval(text)
+  return value
 }
 run(input)
`,
  { repository: 'work' },
)
const file = {
  path: 'b.ts',
  status: 'modified' as const,
  hunks: [],
  text: 'first line here\nsecond\nfirst line here\n}\n',
}
const change: ChangeSet = { ...hunk, files: [...hunk.files, file, { ...file, path: 'gone.ts', status: 'deleted' }] }

function verify(path: string, line: number, quote: string): Pick<Finding, 'line' | 'verified'> {
  const found = verifyFinding(change, { severity: 'low', file: path, line, rule: 'rule', quote, message: 'message' })
  return { line: found.line, verified: found.verified }
}

describe('verifyFinding', () => {
  test('takes a quote that stands on its line, in a hunk or in the new text', () => {
    expect(verify('a.ts', 11, '  const value = eval(text)')).toEqual({ line: 11, verified: true })
    expect(verify('a.ts', 11, 'value = eval(')).toEqual({ line: 11, verified: true })
    expect(verify('b.ts', 2, 'second')).toEqual({ line: 2, verified: true })
    expect(verify('a.ts', 11, 'const value = eval(text)\n  return value')).toEqual({ line: 11, verified: true })
  })

  test('puts the line right when the quote stands elsewhere in the changed hunks, the nearest place first', () => {
    expect(verify('a.ts', 40, 'const value = eval(text)')).toEqual({ line: 11, verified: true })
  })

  test.each([
    ['a file that is not in the change', 'c.ts', 1, 'second'],
    ['a deleted file', 'gone.ts', 2, 'second'],
    ['a quote that stands nowhere', 'a.ts', 11, 'const value = exec(text)'],
    ['a line that was deleted', 'a.ts', 11, 'return parse(text)'],
    ['a line outside the hunks when its number is wrong', 'b.ts', 9, 'second'],
    ['an empty quote', 'a.ts', 11, ' '],
    ['a piece too short to prove anything', 'a.ts', 11, '('],
  ])('does not take %s', (_, path, line, quote) => {
    expect(verify(path, line, quote)).toEqual({ line, verified: false })
  })
})
