import type { EntryView, EventData } from '@bzzz/protocols'
import { z } from 'zod'
import { plain, styled, type Terminal } from './terminal.ts'

type Tokens = EventData<'tokens'>

/** Below what was printed, one line for each seat whose model answers: rewritten as its text comes, gone with its entry. */
export interface LiveLines {
  /** Prints a line above them. */
  out(line: string): void
  show(tokens: Tokens): void
  /** The turn of an entry is over: its line goes, and what still comes of it is not shown. A note only takes the line. */
  end(entry: EntryView): void
  /** Takes all of them away. */
  clear(): void
}

interface Live {
  readonly call: string
  readonly head: string
  /** The last words of the call so far. */
  readonly tail: string
  /** Where the call's text ends. */
  readonly end: number
}

const turnOf = z.looseObject({ turn: z.string().optional() })
/** Enough for every seat of a review; of more, the newest. */
const MAX_LINES = 16
/** The widest terminal shows no more of a line. */
const MAX_TAIL_CHARS = 1_000
/** Turns that are over: late text of older ones would be shown until the next entry of their agent. */
const MAX_ENDED = 256

/** Where the terminal is no screen, nothing but {@link LiveLines.out} does anything. */
export function createLiveLines(terminal: Terminal): LiveLines {
  const { draw } = terminal
  const lines = new Map<string, Live>()
  const ended = new Set<string>()
  let drawn = 0

  function redraw(above = ''): void {
    if (draw === undefined) return
    const rows = [...lines.values()].map((live) => `${rowOf(terminal, live)}\n`)
    draw(`${erased(drawn)}${above}${rows.join('')}`)
    drawn = rows.length
  }

  return {
    out(line) {
      if (drawn === 0) terminal.out(line)
      else redraw(`${line}\n`)
    },
    show(tokens) {
      if (draw === undefined || ended.has(tokens.turn)) return
      const live = grown(lines.get(tokens.agent), tokens)
      lines.set(tokens.agent, live)
      const [oldest] = lines.keys()
      if (lines.size > MAX_LINES && oldest !== undefined) lines.delete(oldest)
      redraw()
    },
    end({ type, author, entry }) {
      if (lines.delete(author)) redraw()
      const { turn } = turnOf.parse(entry)
      if (turn === undefined || type === 'note') return
      ended.add(turn)
      const [oldest] = ended
      if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest)
    },
    clear() {
      lines.clear()
      if (drawn > 0) redraw()
    },
  }
}

function grown(before: Live | undefined, { call, agent, node, phase, offset, text }: Tokens): Live {
  const goesOn = before?.call === call && before.end === offset
  const gap = goesOn || offset === 0 ? '' : '… '
  const tail = `${goesOn ? before.tail : gap}${text}`.slice(-MAX_TAIL_CHARS)
  const head = `${agent.slice(0, agent.lastIndexOf('@'))}@${node} ${phase}`
  return { call, head, tail, end: offset + text.length }
}

/** To the begin of the first of so many rows, and away with them. */
function erased(rows: number): string {
  return rows === 0 ? '' : `\u001b[${rows}A\r\u001b[J`
}

/** One row and no more: a line that the screen breaks could not be taken away again. */
function rowOf(terminal: Terminal, { head, tail }: Live): string {
  const width = terminal.width - 1
  const name = `  ${lastCells(plain(head), Math.floor(width / 2))}: `
  return styled(terminal, 'dim', `${name}${lastCells(plain(tail), width - cellsOf(name))}`)
}

function lastCells(text: string, room: number): string {
  if (cellsOf(text) <= room) return text
  const shown: string[] = []
  let cells = 1 // the dots
  for (const sign of [...text].toReversed()) {
    cells += cellsOf(sign)
    if (cells > room) break
    shown.push(sign)
  }
  return `…${shown.reverse().join('')}`
}

/** At most: beyond Latin letters, signs count twice, as many of them are that wide. */
function cellsOf(text: string): number {
  let cells = 0
  for (const sign of text) cells += sign > '\u02ff' ? 2 : 1
  return cells
}
