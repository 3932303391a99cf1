import { expect, test } from 'vitest'
import { ago, bytesText, dollars, plain, styled, type Terminal, table } from '../../src/cli/terminal.ts'

const paper: Terminal = { color: false, width: 80, closed: false, out: () => {}, err: () => {} }
const screen: Terminal = { ...paper, color: true }

test.each([
  ['colours', 'a \u001b[31mred\u001b[0m word', 'a red word'],
  ['a command that clears the screen', 'fine\u001b[2J\u001b[H', 'fine'],
  ['a command that sets the window title', '\u001b]0;owned\u0007fine', 'fine'],
  ['a hidden link', '\u001b]8;;http://evil.example\u001b\\here\u001b]8;;\u001b\\', 'here'],
  ['a carriage return that overwrites the line', 'rejected\rapproved', 'rejectedapproved'],
  ['backspaces', 'no\b\byes', 'noyes'],
  ['the 8-bit form of an escape', 'a\u009b31mb', 'ab'],
  ['marks that turn the direction of text', 'user\u202enimda', 'usernimda'],
])('%s in the words of a peer never reach the terminal', (_, text, shown) => {
  expect(plain(text)).toBe(shown)
})

test('letters of every language are left', () => {
  const text = 'zweite: 漢字, naïve, 👩‍💻'
  expect(plain(text)).toBe(text)
})

test('a line end in a name cannot begin a line of its own', () => {
  expect(plain('shop.png\nFindings (0)\tnone')).toBe('shop.png Findings (0) none')
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [23_456, '23 kB'],
  [1_540_000, '1.5 MB'],
  [2_340_000_000, '2340 MB'],
])('%d bytes are shown as %s', (count, text) => {
  expect(bytesText(count)).toBe(text)
})

test('a table pads its columns to their widest cell and leaves the last one', () => {
  expect(
    table(
      paper,
      ['node', 'state', 'why'],
      [
        ['walnut', 'online', ''],
        ['ironwood', 'offline', 'refused'],
      ],
    ),
  ).toBe('node      state    why\nwalnut    online   \nironwood  offline  refused')
})

test('a table without rows is its head', () => {
  expect(table(paper, ['node', 'state'], [])).toBe('node  state')
})

test('cells that hold escape sequences neither act nor shift the columns', () => {
  expect(table(paper, ['a', 'b'], [['\u001b[31mx\u001b[0m', 'y']])).toBe('a  b\nx  y')
})

test('styles are for screens only', () => {
  expect(styled(paper, 'red', 'no')).toBe('no')
  expect(styled(screen, 'red', 'no')).toBe('\u001b[31mno\u001b[39m')
})

test.each([
  [0, '$0.0000'],
  [0.000001, '$0.000001'],
  [0.0123, '$0.0123'],
  [12.5, '$12.5000'],
])('%d dollars are shown as %s', (amount, shown) => {
  expect(dollars(amount)).toBe(shown)
})

test.each([
  [null, 'never'],
  ['2026-11-22T12:00:00.000Z', '0 s ago'],
  ['2026-11-22T12:00:05.000Z', '0 s ago'],
  ['2026-11-22T11:59:00.000Z', '60 s ago'],
  ['2026-11-22T11:00:00.000Z', '60 min ago'],
  ['2026-11-22T02:00:00.000Z', '10 h ago'],
  ['2026-11-01T02:00:00.000Z', '2026-11-01'],
])('%s is %s', (iso, shown) => {
  expect(ago(iso, Date.UTC(2026, 10, 22, 12))).toBe(shown)
})
