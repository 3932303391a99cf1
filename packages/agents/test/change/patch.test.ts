import { describe, expect, test } from 'vitest'
import { readPatch } from '../../src/change/patch.ts'
import { createRepository } from './repository.ts'

function read(text: string) {
  return readPatch(text, { repository: 'work' })
}

const PATCH = `--- a/a.ts
+++ b/a.ts
@@ -1,2 +1,2 @@
 one
-two
+2
`

/** As git writes it, of two files. */
const GIT_PATCH = `diff --git a/a.ts b/a.ts
index 1111111..2222222 100644
${PATCH}diff --git a/b.ts b/b.ts
index 3333333..4444444 100644
--- a/b.ts
+++ b/b.ts
@@ -7 +7 @@ function b() {
-seven
+7
`

describe('readPatch', () => {
  test('refuses a patch that is cut off anywhere in its second file, instead of reading less', () => {
    expect(read(GIT_PATCH).files.map(({ path }) => path)).toEqual(['a.ts', 'b.ts'])
    const second = GIT_PATCH.lastIndexOf('diff --git')
    const index = GIT_PATCH.indexOf('index 33', second)
    for (let end = index; end < GIT_PATCH.length - 2; end++) {
      expect(() => read(GIT_PATCH.slice(0, end)), GIT_PATCH.slice(second, end)).toThrow(
        expect.objectContaining({ code: 'BAD_PATCH' }),
      )
    }
  })

  test('reads what git writes: added, changed, deleted, renamed and binary files, and unusual names', () => {
    const repository = createRepository()
    const base = { 'a.ts': 'one\ntwo\n', 'gone.ts': 'old\n', 'from.ts': 'same\n', 'image.png': Uint8Array.of(0, 1) }
    repository.commit({ ...base, 'package-lock.json': '1' })
    const changed = {
      'a.ts': 'one\n2\n',
      'gone.ts': null,
      'from.ts': null,
      'to.ts': 'same\n',
      'image.png': Uint8Array.of(0, 2),
    }
    repository.commit({ ...changed, 'größe.ts': 'a\nb\n', 'package-lock.json': '2' }, 'Change things')

    const change = read(`${repository.git('format-patch', '--stdout', '-M', 'HEAD~1')}\n`)

    expect(change).toMatchObject({
      repository: 'work',
      base: 'patch',
      head: 'patch',
      title: 'Change things',
      lockfiles: ['package-lock.json'],
    })
    expect(change.files).toEqual([
      { path: 'a.ts', status: 'modified', hunks: [expect.anything()] },
      { path: 'gone.ts', status: 'deleted', hunks: [{ lines: [{ kind: 'deleted', line: 1, text: 'old' }] }] },
      { path: 'größe.ts', status: 'added', hunks: [expect.anything()], text: 'a\nb\n' },
      { path: 'image.png', status: 'modified', hunks: [], omitted: 'binary' },
      { path: 'package-lock.json', status: 'modified', hunks: [], omitted: 'generated' },
      { path: 'to.ts', oldPath: 'from.ts', status: 'renamed', hunks: [] },
    ])
  })

  test('reads a plain diff, also with Windows line ends', () => {
    const lines = [
      { kind: 'context', line: 1, text: 'one' },
      { kind: 'deleted', line: 2, text: 'two' },
      { kind: 'added', line: 2, text: '2' },
    ]
    const files = [{ path: 'a.ts', status: 'modified', hunks: [{ lines }] }]
    expect(read(PATCH).files).toEqual(files)
    expect(read(PATCH.replaceAll('\n', '\r\n')).files).toEqual(files)
    expect(read(`${PATCH}\\ No newline at end of file\n`).files).toEqual(files)
  })

  test.each([
    ['nothing', ' \n', 'EMPTY_CHANGE', 'empty'],
    ['other text', 'hello\nworld\n', 'BAD_PATCH', 'no changed file'],
    ['a cut-off hunk', PATCH.replace('+2\n', ''), 'BAD_PATCH', 'lines are missing from a.ts after "@@ -1,2 +1,2 @@"'],
    [
      'a path out of the repository',
      PATCH.replaceAll('/a.ts', '/../a.ts'),
      'BAD_PATCH',
      'not a path inside the repository',
    ],
    ['a file twice', PATCH + PATCH, 'BAD_PATCH', 'a.ts stands in it twice'],
  ])('refuses %s', (_, text, code, reason) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(reason) }))
  })
})
