import { glob, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What the program may say: its source text, with strings that go on in the next line put together. */
async function sources(): Promise<string> {
  const texts: string[] = []
  for await (const file of glob(['node/src/**/*.ts', 'packages/*/src/**/*.ts'], { cwd: root }))
    texts.push(await readFile(`${root}/${file}`, 'utf8'))
  return texts.join('\n').replaceAll(/['`] \+\n\s*['`]/g, '')
}

/** The parts of a quoted message between its `…`, which stand for what differs each time. */
function quotedParts(readme: string): string[] {
  const [, table = ''] = readme.split('\n## When something is wrong\n')
  const rows = (table.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| ') && line.includes('`'))
  const said = rows.map((row) => row.split(' | ')[0] ?? '')
  const quotes = said.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, quote]) => quote ?? ''))
  return quotes.flatMap((quote) => quote.split('…').map((part) => part.trim())).filter((part) => part !== '')
}

test('every message that the README explains is one that the program can say, word for word', async () => {
  const [readme, text] = await Promise.all([readFile(`${root}/README.md`, 'utf8'), sources()])
  const parts = quotedParts(readme)
  expect(parts.length).toBeGreaterThan(5)
  expect(parts.filter((part) => !text.includes(part))).toEqual([])
})
