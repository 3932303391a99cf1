import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type ChangedFile, type ChangeSet, changeSet, MAX_CHANGE_SET_BYTES } from '@bzzz/protocols'
import { describe, expect, test, vi } from 'vitest'
import { encodeChangeSet } from '../../src/change/encoding.ts'
import { readRange } from '../../src/change/range.ts'
import { createRepository, temporaryFolder } from './repository.ts'

const signal = new AbortController().signal

function read(repository: string, range = 'HEAD'): Promise<ChangeSet> {
  return readRange({ repository, range, signal })
}

function fileOf(change: ChangeSet, path: string): ChangedFile | undefined {
  return change.files.find((file) => file.path === path)
}

function shown(file: ChangedFile | undefined): string[] {
  const marks = { added: '+', deleted: '-', context: ' ' }
  const lines = file?.hunks.flatMap((hunk) => hunk.lines) ?? []
  return lines.map((line) => `${marks[line.kind]}${line.line} ${line.text}`)
}

describe('readRange', () => {
  test('gives added, modified, deleted and renamed files with their hunks and new text', async () => {
    const repository = createRepository()
    const long = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n')
    const base = repository.commit({
      'a.ts': 'one\ntwo\nthree\n',
      'gone.ts': 'old\n',
      'from.ts': long,
      'package-lock.json': '{}',
    })
    const files = {
      'a.ts': 'one\n2\nthree\n',
      'gone.ts': null,
      'from.ts': null,
      'to.ts': `${long}\nmore`,
      'new.ts': 'new\n',
    }
    const head = repository.commit(files, 'Do several things')

    const change = await read(repository.folder)

    expect(change).toMatchObject({ v: 1, base, head, title: 'Do several things', lockfiles: ['package-lock.json'] })
    expect(repository.folder.endsWith(change.repository)).toBe(true)
    expect(shown(fileOf(change, 'a.ts'))).toEqual([' 1 one', '-2 two', '+2 2', ' 3 three'])
    expect(fileOf(change, 'a.ts')).toMatchObject({ status: 'modified', text: 'one\n2\nthree\n' })
    expect(fileOf(change, 'new.ts')).toMatchObject({ status: 'added', text: 'new\n' })
    expect(fileOf(change, 'to.ts')).toMatchObject({ status: 'renamed', oldPath: 'from.ts', text: `${long}\nmore` })
    expect(shown(fileOf(change, 'gone.ts'))).toEqual(['-1 old'])
    expect(fileOf(change, 'gone.ts')).not.toHaveProperty('text')
    expect(changeSet.safeParse(change).success).toBe(true)
  })

  test('takes two dots as the way from A to B, three as what B did since it left A, and one commit as its own work', async () => {
    const repository = createRepository()
    repository.commit({ 'a.ts': '1' })
    repository.git('checkout', '--quiet', '-b', 'topic')
    repository.commit({ 'topic.ts': '1' }, 'first')
    repository.commit({ 'topic.ts': '2' }, 'second')
    repository.git('checkout', '--quiet', 'main')
    repository.commit({ 'main.ts': '1' })
    const paths = async (range: string) =>
      (await read(repository.folder, range)).files.map((file) => `${file.status} ${file.path}`)

    expect(await paths('main..topic')).toEqual(['deleted main.ts', 'added topic.ts'])
    expect(await paths('main...topic')).toEqual(['added topic.ts'])
    expect(await paths('...topic')).toEqual(['added topic.ts'])
    expect(await paths('topic')).toEqual(['modified topic.ts'])
    expect(await paths('main~1')).toEqual(['added a.ts'])
    expect((await read(repository.folder, 'main...topic')).title).toBe('second (and 1 before it)')
  })

  test('names a reason for every file that it leaves out', async () => {
    const repository = createRepository()
    repository.commit({ 'a.ts': '1' })
    symlinkSync('/etc/passwd', join(repository.folder, 'link.ts'))
    repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`)
    repository.git('commit', '--quiet', '--message', 'submodule')
    const files = {
      'image.png': Uint8Array.of(137, 80, 0, 1),
      'latin1.txt': Uint8Array.of(228, 246),
      'yarn.lock': 'x',
      'big.txt': 'x\n'.repeat(600_000),
    }
    repository.commit({ ...files, 'read.txt': 'x' })

    const change = await read(repository.folder, 'HEAD~2..HEAD')

    const reasons = Object.fromEntries(change.files.map((file) => [file.path, file.omitted]))
    expect(reasons).toEqual({
      'big.txt': 'too large',
      'image.png': 'binary',
      'latin1.txt': 'not text',
      'link.ts': 'not text',
      'read.txt': undefined,
      'yarn.lock': 'generated',
    })
  })

  test('names a submodule as such', async () => {
    const repository = createRepository()
    repository.commit({ 'a.ts': '1' })
    repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`)
    repository.git('commit', '--quiet', '--message', 'submodule')
    expect((await read(repository.folder)).files).toEqual([
      { path: 'module', status: 'added', hunks: [], omitted: 'submodule' },
    ])
  })

  test('shows files that the repository declares binary in order to hide them', async () => {
    const repository = createRepository()
    repository.commit({ '.gitattributes': '*.ts binary\n', 'old.ts': 'a\n' })
    repository.commit({ 'old.ts': 'b\n', 'new.ts': 'eval(x)\n' })
    const change = await read(repository.folder)
    expect(shown(fileOf(change, 'old.ts'))).toEqual(['-1 a', '+1 b'])
    expect(shown(fileOf(change, 'new.ts'))).toEqual(['+1 eval(x)'])
  })

  test('is not misled by file names or lines that look like parts of a diff', async () => {
    const repository = createRepository()
    const name = 'b/ a "quoted"\tname\nüß.ts'
    repository.commit({ [name]: '-- a/x.ts\nkeep\n' })
    repository.commit({ [name]: '++ b/y.ts\nkeep\n' })
    const change = await read(repository.folder)
    expect(change.files.map((file) => file.path)).toEqual([name])
    expect(shown(change.files[0])).toEqual(['-1 -- a/x.ts', '+1 ++ b/y.ts', ' 2 keep'])
  })

  test('leaves out the largest files when the change takes more than a change set may', async () => {
    const repository = createRepository()
    const text = (bytes: number) => `${'x'.repeat(99)}\n`.repeat(bytes / 100)
    const files = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`${index}.txt`, text(700_000 + index * 10_000)]),
    )
    repository.commit({ ...files, 'small.txt': 'small\n' })
    const change = await read(repository.folder)
    expect(encodeChangeSet(change).length).toBeLessThanOrEqual(MAX_CHANGE_SET_BYTES)
    expect(change.files.filter((file) => file.omitted === 'too large').map((file) => file.path)).toEqual([
      '4.txt',
      '5.txt',
    ])
    expect(fileOf(change, 'small.txt')?.text).toBe('small\n')
  })

  test('says what failed and what to do about it', async () => {
    const repository = createRepository()
    repository.commit({ 'a.ts': '1' })
    const fails = (range: string, folder = repository.folder) => expect(read(folder, range)).rejects
    await fails('HEAD', temporaryFolder()).toMatchObject({ code: 'NOT_A_REPOSITORY' })
    await fails('HEAD', join(repository.folder, 'missing')).toMatchObject({ code: 'NOT_A_REPOSITORY' })
    await fails('nowhere').toMatchObject({
      code: 'NO_SUCH_REVISION',
      message: expect.stringContaining('"nowhere" names no commit'),
    })
    await fails('--output=stolen').toMatchObject({ code: 'NO_SUCH_REVISION' })
    await fails('HEAD..HEAD').toMatchObject({ code: 'EMPTY_CHANGE' })
    vi.stubEnv('PATH', temporaryFolder())
    await fails('HEAD').toMatchObject({ code: 'GIT_MISSING' })
    vi.unstubAllEnvs()
  })

  test('stops with the reason of its signal', async () => {
    const repository = createRepository()
    repository.commit({ 'a.ts': '1' })
    const reason = new Error('enough')
    const reading = readRange({ repository: repository.folder, range: 'HEAD', signal: AbortSignal.abort(reason) })
    await expect(reading).rejects.toBe(reason)
  })
})
