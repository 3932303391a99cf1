import { expect, test } from 'vitest'
import { run } from './command-line.ts'

const commands = [
  'init',
  'up',
  'status',
  'config',
  'peers',
  'agents',
  'budget adopt',
  'budget lower',
  'budget new-ledger',
  'budget raise',
  'budget settle',
  'budget show',
  'budget why',
  'threads',
  'thread show',
  'thread post',
  'thread follow',
  'thread archive',
  'review',
  'vote',
  'invite',
  'join',
  'leave',
  'remove',
  'owner show',
  'owner restore',
  'owner heal',
  'laptop join',
  'laptop up',
  'token create',
  'token list',
  'token revoke',
  'demo',
]

test.each(commands)('the help of `bzzz %s` shows how to use it, and offers JSON', async (command) => {
  const { code, out, err } = await run([...command.split(' '), '--help'])
  expect({ code, err }).toEqual({ code: 0, err: [] })
  expect(out).toMatch(/Examples:\n {2}\$ (bzzz|npm run demo|git diff)/)
  expect(out).toContain('--json')
})

test('the help of the program names every command, and no other', async () => {
  const { out } = await run(['--help'])
  const [, list = ''] = out.split('Commands:\n')
  const named = [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name)
  expect(named.sort()).toEqual([...new Set(commands.map((command) => command.split(' ')[0])), 'help'].sort())
  expect(out).toContain('bzzz demo')
})

test('the help of a review names its exit codes', async () => {
  const { out } = await run(['review', '--help'])
  expect(out).toContain('0 approved, 10 changes requested, 20 escalated to a human, 30 paused by the budget')
})

test('the version is printed alone', async () => {
  expect(await run(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+$/), err: [] })
})
