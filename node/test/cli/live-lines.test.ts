import type { EntryView, EventData } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { createLiveLines } from '../../src/cli/live-lines.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

/** A screen as far as these lines need one: rows, and a cursor at the begin of the last. */
function screen(width = 60) {
  const rows = ['']
  const print = (text: string) => {
    const [first = '', ...others] = text.split('\n')
    rows.push((rows.pop() ?? '') + first, ...others)
  }
  const write = (text: string) => {
    const [before = '', ...sequences] = text.split('\u001b[')
    print(before)
    for (const sequence of sequences) {
      const up = /^(\d+)A\r/.exec(sequence)
      if (up !== null) rows.splice(rows.length - 1 - Number(up[1]), rows.length, '')
      else print(sequence.replace(/^J/, ''))
    }
  }
  const terminal: Terminal = {
    color: false,
    width,
    closed: false,
    out: (line) => write(`${line}\n`),
    err: () => {},
    draw: write,
  }
  return { terminal, rows: () => rows.slice(0, -1) }
}

function tokens(agent: string, offset: number, text: string, more: Partial<EventData<'tokens'>> = {}) {
  const turn = `turn-of-${agent}`
  const about = { thread: 't', turn, call: `${turn}/0`, node: 'ironwood', phase: 'findings', round: 1 }
  return { ...about, agent: `${agent}@12D3`, offset, text, ...more }
}

function entryOf(agent: string, type: string): EntryView {
  return { type, author: `${agent}@12D3`, entry: { turn: `turn-of-${agent}` } } as unknown as EntryView
}

test('each seat has one line, which is rewritten as its text comes, below what was printed', () => {
  const { terminal, rows } = screen()
  const live = createLiveLines(terminal)
  live.out('first')
  live.show(tokens('reviewer', 0, '{"summary":'))
  live.show(tokens('security', 0, 'it'))
  live.show(tokens('reviewer', 11, '"fine"'))
  live.out('second')
  expect(rows()).toEqual([
    'first',
    'second',
    '  reviewer@ironwood findings: {"summary":"fine"',
    '  security@ironwood findings: it',
  ])
})

test('the line goes with the entry, and late text of its turn is not shown', () => {
  const { terminal, rows } = screen()
  const live = createLiveLines(terminal)
  live.show(tokens('reviewer', 0, 'al'))
  live.show(tokens('security', 0, 'it'))
  live.end(entryOf('reviewer', 'finding'))
  live.out('the entry')
  live.show(tokens('reviewer', 2, 'most'))
  expect(rows()).toEqual(['the entry', '  security@ironwood findings: it'])
})

test('a note only takes the line: the turn may go on', () => {
  const { terminal, rows } = screen()
  const live = createLiveLines(terminal)
  live.show(tokens('reviewer', 0, 'al'))
  live.end(entryOf('reviewer', 'note'))
  expect(rows()).toEqual([])
  live.show(tokens('reviewer', 0, 'again', { call: 'another' }))
  expect(rows()).toEqual(['  reviewer@ironwood findings: again'])
})

test('a line shows the end of the text, says where something is missing, and begins anew with a new call', () => {
  const { terminal, rows } = screen(50)
  const live = createLiveLines(terminal)
  live.show(tokens('reviewer', 40, 'joined late'))
  expect(rows()).toEqual(['  …iewer@ironwood findings: … joined late'])
  live.show(tokens('reviewer', 51, ` and ${'on '.repeat(30)}`))
  expect(rows()[0]).toMatch(/: ….*on on on $/)
  expect(rows()[0]?.length).toBeLessThan(50)
  live.show(tokens('reviewer', 0, 'anew', { call: 'another' }))
  expect(rows()[0]).toMatch(/: anew$/)
})

test('no line is broken by the screen, whatever letters come', () => {
  const { terminal, rows } = screen(40)
  const live = createLiveLines(terminal)
  live.show(tokens('security', 0, `漢字${'漢'.repeat(200)}`))
  const [row = ''] = rows()
  const wide = [...row].filter((sign) => sign === '漢').length
  expect(row.length + wide).toBeLessThan(40)
  expect(wide).toBeGreaterThan(3)
})

test('what a model says never acts on the terminal', () => {
  const { terminal, rows } = screen(100)
  const live = createLiveLines(terminal)
  live.show(tokens('reviewer', 0, 'a\u001b[2Jb\r\nc', { node: 'iron\u001b[Hwood' }))
  expect(rows()).toEqual(['  reviewer@ironwood findings: ab c'])
})

test('there is a bounded number of lines, and all go in the end', () => {
  const { terminal, rows } = screen()
  const live = createLiveLines(terminal)
  live.out('kept')
  for (let n = 0; n < 100; n++) live.show(tokens(`agent-${n}`, 0, 'hi'))
  expect(rows()).toHaveLength(17)
  live.clear()
  expect(rows()).toEqual(['kept'])
})

test('where there is no screen, only what is printed comes', () => {
  const printed: string[] = []
  const paper: Terminal = { color: false, width: 80, closed: false, out: (line) => printed.push(line), err: () => {} }
  const live = createLiveLines(paper)
  live.show(tokens('reviewer', 0, 'hi'))
  live.out('an entry')
  live.clear()
  expect(printed).toEqual(['an entry'])
})
