import { stripVTControlCharacters, styleText } from 'node:util'

/** Where a command writes. Peers' words may hold control characters that would act on a terminal: they never get through. */
export interface Terminal {
  readonly color: boolean
  readonly width: number
  /** The reader is gone (`| head -1`): what is written goes nowhere. */
  readonly closed: boolean
  out(line: string): void
  err(line: string): void
  /** Control sequences included; only where the reader is a screen. */
  readonly draw?: ((text: string) => void) | undefined
}

export function processTerminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  let closed = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    closed = true
  })
  return {
    color: stdout.isTTY === true && process.env.NO_COLOR === undefined,
    get width() {
      return stdout.columns || 120 // a window changes its size, and some consoles say 0
    },
    get closed() {
      return closed
    },
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    draw: stdout.isTTY === true ? (text) => void stdout.write(text) : undefined,
  }
}

/**
 * Text from elsewhere (a peer's words, a file's name) in one line that a terminal shows and never obeys: no escape sequences,
 * no control characters; a line end in it cannot begin a line that looks like ours.
 */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\n\t]/g, ' ')
    .replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, '')
}

export function firstLine(text: string): string {
  return plain(text.split('\n').find((line) => line.trim() !== '') ?? '')
}

type Style = Parameters<typeof styleText>[0]

export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.color ? styleText(style, text, { validateStream: false }) : text
}

/** Columns padded to their widest cell, two spaces apart; the last one is left as it is. */
export function table(terminal: Terminal, header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map(plain))
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const lines = cells.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
  )
  const [head = '', ...body] = lines
  return [styled(terminal, 'dim', head), ...body].join('\n')
}

export function dollars(amount: number): string {
  return amount !== 0 && Math.abs(amount) < 0.01 ? `$${amount.toFixed(6)}` : `$${amount.toFixed(4)}`
}

/** `512 B`, `1.4 kB`, `23 MB`. */
export function bytesText(count: number): string {
  if (count < 1_000) return `${count} B`
  const [size, unit] = count < 1_000_000 ? [count / 1_000, 'kB'] : [count / 1_000_000, 'MB']
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`
}

/** `3 s ago`, `2 min ago`, `5 h ago`, or the date. */
export function ago(iso: string | null, nowMs: number): string {
  if (iso === null) return 'never'
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000))
  if (seconds < 90) return `${seconds} s ago`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : iso.slice(0, 10)
}
