import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conversationsAnswer } from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bzzz, type Ended } from '../cli/bzzz.ts'
import { openTestMesh, type TestMesh, type TestNode } from '../node/nodes.ts'

/** Of a line of source, so that 20 MiB of it are quickly made. */
const LINE = 'export const x = 1 // 0123456789012345678901234567890123456789\n'
const MIB = 1024 * 1024
/** A command that needs more of it ends with a fault of its own. */
const HEAP = { NODE_OPTIONS: '--max-old-space-size=512' }

/** Each command is a process of its own, several at a time. */
const PATIENT = { timeout: 60_000 }

let directory: string
let repository: string
let mesh: TestMesh
let node: TestNode
/** Hash of each commit by its subject. */
const commits = new Map<string, string>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-changes-'))
  repository = join(directory, 'shop')
  await mkdir(repository)
  git('init', '--quiet')
  const write = (name: string, content: string | Uint8Array) => writeFile(join(repository, name), content)

  await write('cart.js', LINE.repeat(50))
  commit('first')
  await write('photo.png', Uint8Array.of(0, 1, 2, 3))
  commit('binary alone')
  await write('photo.png', Uint8Array.of(0, 9, 9, 9))
  await write('price.js', 'export const price = 1\n')
  commit('binary among others')
  await rename(join(repository, 'cart.js'), join(repository, 'basket.js'))
  commit('pure rename')
  await rename(join(repository, 'basket.js'), join(repository, 'bag.js'))
  await write('bag.js', `${LINE.repeat(50)}export const sum = (text) => eval(text)\n`)
  commit('rename with edits')
  git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`)
  git('commit', '--quiet', '--message', 'submodule')
  commits.set('submodule', head())
  git('update-index', '--cacheinfo', `160000,${'2'.repeat(40)},module`)
  git('commit', '--quiet', '--message', 'submodule moved')
  commits.set('submodule moved', head())
  git('rm', '--quiet', '--cached', 'module')
  await symlink('/etc/passwd', join(repository, 'link'))
  commit('link')
  await write('crlf.js', 'export const one = 1\r\nexport const run = (text) => eval(text)\r\n')
  await write('latin.js', Buffer.from('export const name = "M\xfcller"\n', 'latin1'))
  commit('odd bytes')
  await write('big.js', LINE.repeat((20 * MIB) / LINE.length))
  commit('20 MiB in one file')
  const names = Array.from({ length: 2_000 }, (_, i) => `${i}.txt`)
  await Promise.all(names.map((name) => write(name, LINE.repeat((20 * MIB) / 2_000 / LINE.length))))
  commit('20 MiB in 2000 files')
  await write('one-more.txt', 'x\n')
  commit('one more')
  const big = commits.get('20 MiB in one file')
  await writeFile(join(directory, 'big.patch'), git('diff', `${big}~1..${big}`))

  mesh = await openTestMesh({ members: [['walnut', 'security']], flags: { provider: 'offline' } })
  node = mesh.nodes[0] as TestNode
}, 60_000)

afterAll(async () => {
  await mesh?.close()
  await rm(directory, { recursive: true, force: true })
})

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=ana', '-c', 'user.email=ana@example', '-c', 'core.autocrlf=false']
  const options = { cwd: repository, encoding: 'utf8', maxBuffer: 64 * MIB } as const
  return execFileSync('git', [...identity, ...args], options)
}

function head(): string {
  return git('rev-parse', 'HEAD').trim()
}

function commit(subject: string): void {
  git('add', '--all')
  git('commit', '--quiet', '--message', subject)
  commits.set(subject, head())
}

function review(change: string): Promise<Ended> {
  const args = ['--required', 'security', '--repo', repository, '--data-dir', node.directory]
  return bzzz(['review', commits.get(change) ?? change, ...args], { cwd: directory, env: HEAP })
}

const NOTHING = 'ESCALATED (nothing could be read)'

test.concurrent.each([
  ['binary alone', 20, NOTHING, ['0 of 1 files read', 'not read: photo.png (binary)']],
  ['binary among others', 0, 'APPROVED', ['1 of 2 files read by security', 'not read: photo.png (binary)']],
  ['pure rename', 0, 'APPROVED', ['1 of 1 files read by security']],
  ['rename with edits', 10, 'CHANGES REQUESTED', [' bag.js:51  ', '1 of 1 files read by security']],
  ['submodule', 20, NOTHING, ['0 of 1 files read', 'not read: module (submodule)']],
  ['submodule moved', 20, NOTHING, ['0 of 1 files read', 'not read: module (submodule)']],
  ['link', 20, NOTHING, ['0 of 2 files read', 'not read: link (not text)']],
  ['odd bytes', 10, 'CHANGES REQUESTED', [' crlf.js:2  ', '1 of 2 files read', 'not read: latin.js (not text)']],
  ['20 MiB in one file', 20, NOTHING, ['0 of 1 files read', 'not read: big.js (too large)']],
  ['big.patch', 20, NOTHING, ['0 of 1 files read', 'not read: big.js (too large)']],
])('%s: what is read is judged, the rest is named', PATIENT, async (change, code, verdict, words) => {
  const { stdout, stderr, code: ended } = await review(change)
  expect({ ended, stderr }).toEqual({ ended: code, stderr: '' })
  expect(stdout).toContain(`\n${verdict}  shop `)
  for (const each of words) expect(stdout).toContain(each)
})

test(
  '20 MiB in 2000 files: as much as a review holds is read, and the report says how much that is',
  PATIENT,
  async () => {
    const { code, stdout, stderr } = await review('20 MiB in 2000 files')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [, read] = /^ {2}(\d+) of 2000 files read by security$/m.exec(stdout) ?? []
    expect(Number(read)).toBeGreaterThan(100)
    expect(stdout).toContain(`  not read: all others (${2_000 - Number(read)} of 2000 files)`)
  },
)

test('2001 files are refused before anything is opened', PATIENT, async () => {
  expect(await review(`${commits.get('20 MiB in one file')}..${commits.get('one more')}`)).toEqual({
    code: 66,
    stdout: '',
    stderr: 'bzzz: the change touches 2001 files, at most 2000 are reviewed at once: review a smaller range\n',
  })
  const { conversations } = await node.client.get('agents', '/api/conversations', conversationsAnswer)
  expect(conversations.filter(({ topic }) => topic.startsWith('one more'))).toEqual([])
})
