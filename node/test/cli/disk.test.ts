import { BudgetError } from '@bzzz/budget'
import { MeshError } from '@bzzz/mesh'
import { StateError } from '@bzzz/store'
import { expect, test } from 'vitest'
import { diskFault } from '../../src/cli/disk.ts'
import { ConfigError } from '../../src/config/errors.ts'

const of = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: words of the system`), { code, ...more })
const level = (text: string) => new Error(`IO error: /data/state/000006.log: ${text}`)

test.each([
  ['a full disk', of('ENOSPC', { path: '/data/token' }), 74, '/data/token: the disk is full; make room on it'],
  ['a full disk, where the system names no file', of('ENOSPC'), 74, '/data: the disk is full'],
  ['a used-up quota', of('EDQUOT'), 74, 'the disk is full'],
  [
    'a folder of another user',
    of('EACCES', { path: '/data' }),
    77,
    '/data: this user has no permission; give the folder',
  ],
  [
    'a state of another user',
    new StateError('STATE_OPEN_FAILED', 'cannot open', { cause: level('Permission denied') }),
    77,
    '/data/state/000006.log: this user has no permission',
  ],
  [
    'a first write that fails',
    new BudgetError('FROZEN', 'frozen', {
      cause: new StateError('STATE_WRITE_FAILED', 'not synced', { cause: level('No space left on device') }),
    }),
    74,
    '/data/state/000006.log: the disk is full',
  ],
  ['a disk that fails', level('Input/output error'), 74, 'the disk fails; look at the disk and its log'],
  [
    'a cache on a disk that is read-only',
    new MeshError('CACHE_FAILED', 'cannot open', { cause: level('Read-only file system') }),
    74,
    'the disk is mounted read-only; mount it writable',
  ],
])('%s is named, with what to do', (_, error, exitCode, words) => {
  const fault = diskFault(error, '/data')
  expect(fault).toMatchObject({ exitCode, message: expect.stringContaining(`cannot use `) })
  expect(fault?.message).toContain(words)
  expect(fault?.message).toMatch(/, then run this again$/)
})

test.each([
  ['says itself what to do', new ConfigError('CONFIG_UNREADABLE', 'cannot read', { cause: of('EACCES') })],
  ['is about a port', of('EACCES', { syscall: 'listen' })],
  ['is about something else', new BudgetError('BAD_REQUEST', 'no')],
  ['is no error', 'disk full'],
])('what %s is left to others', (_, error) => {
  expect(diskFault(error, '/data')).toBeUndefined()
})
