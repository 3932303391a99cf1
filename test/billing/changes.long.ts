import { expect, test } from 'vitest'
import { type Day, spendAndChange } from './changes.ts'
import { LABELS, NEWCOMER, openTrio } from './trio.ts'

test.each([
  ['all have confirmed before the next day', true],
  ['one that was cut off has not when the next day begins', false],
])(
  'what is billed stays within a limit that is raised and lowered while a node is away and machines come and go; %s',
  async (_, confirmed) => {
    const trio = await openTrio(1, [...LABELS, NEWCOMER])
    try {
      const { first, second, third } = await spendAndChange(trio, confirmed)
      process.stdout.write(`${JSON.stringify({ first, second, third }, textOfBigints)}\n`)
      for (const day of [first, second, third]) expect(day.billed).toBeLessThanOrEqual(day.limit)
      expect(partOf(third)).toBeGreaterThanOrEqual(0.97)
      if (confirmed) expect(partOf(first)).toBeGreaterThanOrEqual(0.97)
      if (confirmed) expect(partOf(second)).toBeGreaterThanOrEqual(0.97)
    } finally {
      await trio.close()
    }
  },
)

function partOf({ billed, limit }: Day): number {
  return Number(billed) / Number(limit)
}

function textOfBigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
