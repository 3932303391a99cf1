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

test('a file is laid out once for all claims about it', () => {
  const lines = Array.from({ length: 60_000 }, (_, n) => ({
    kind: 'added' as const,
    line: n + 1,
    text: `  const v${n} = 1`,
  }))
  let reads = 0
  const counted = new Proxy(lines, {
    get(list, key) {
      reads += 1
      return Reflect.get(list, key)
    },
  })
  const watched: ChangeSet = { ...change, files: [{ path: 'l.ts', status: 'added', hunks: [{ lines: counted }] }] }
  const claim = { severity: 'low' as const, file: 'l.ts', rule: 'rule', message: 'message' }
  expect(verifyFinding(watched, { ...claim, line: 1, quote: 'const v59999 = 1' })).toMatchObject({ line: 60_000 })
  const once = reads
  for (let n = 1; n <= 50; n++) verifyFinding(watched, { ...claim, line: n, quote: `const v${n - 1} = 1` })
  expect(reads).toBe(once)
})
