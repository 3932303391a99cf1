import { describe, expect, it } from 'vitest'
import { loadPrices, mergePrices, shippedPrices } from '../../src/prices/prices.ts'
import { parseUsd } from '../../src/usd.ts'

const row = { model: 'm', provider: 'p', input: '1', output: 2.5, date: '2026-11-22', source: 'a page' }
const file = (...models: object[]) => JSON.stringify({ currency: 'USD', unit: 'per million tokens', models }, null, 2)
const load = (text: string) => loadPrices(text, 'my-prices.json')

describe('a price file', () => {
  it('gives dollars per million tokens; cached input costs the same unless it says otherwise', () => {
    const { prices } = load(file(row, { ...row, model: 'n', cachedInput: '0.25', window: 8_192, simulated: true }))
    expect(prices.get('m')).toMatchObject({
      input: parseUsd('1'),
      cachedInput: parseUsd('1'),
      output: parseUsd('2.5'),
      window: null,
    })
    expect(prices.get('n')).toMatchObject({
      cachedInput: parseUsd('0.25'),
      window: 8_192,
      simulated: true,
      local: false,
    })
  })

  it.each([
    ['what is not JSON', '{\n  "currency": "USD",\n  oops\n}', 'my-prices.json:3: not JSON'],
    ['a missing list', '{ "currency": "USD", "unit": "per million tokens" }', 'my-prices.json:1: models: '],
    [
      'another currency',
      '{\n"currency": "EUR",\n"unit": "per million tokens", "models": [] }',
      'my-prices.json:2: currency: ',
    ],
    [
      'a negative price',
      file(row, { ...row, model: 'n', input: '-1' }),
      'my-prices.json:16: models[1].input: "-1" is not an amount',
    ],
    [
      'a price of 0',
      file({ ...row, output: 0 }),
      'my-prices.json:9: models[0].output: a price of 0 needs "local": true',
    ],
    [
      'a dollar a token',
      file({ ...row, output: '1000001' }),
      'my-prices.json:9: models[0].output: more than a dollar per token',
    ],
    ['an unknown field', file({ ...row, inptu: 1 }), 'my-prices.json:5: models[0]: Unrecognized key: "inptu"'],
    ['a model twice', file(row, row), 'my-prices.json:13: m is priced twice'],
  ])('with %s is refused by file, line and reason', (_, text, words) => {
    expect(() => load(text)).toThrow(
      expect.objectContaining({ code: 'BAD_PRICES', message: expect.stringContaining(words) }),
    )
  })

  it('may price a local model 0', () => {
    expect(load(file({ ...row, input: 0, output: 0, local: true })).prices.get('m')).toMatchObject({
      input: 0n,
      local: true,
    })
  })

  it("of a user's own lies over the shipped one", async () => {
    const shipped = await shippedPrices()
    const merged = mergePrices(shipped, load(file({ ...row, model: 'gpt-4o' }, { ...row, model: 'mine' })))
    expect(merged.prices.get('gpt-4o')?.input).toBe(parseUsd('1'))
    expect(merged.prices.size).toBe(shipped.prices.size + 1)
    expect(merged.hash).not.toEqual(shipped.hash)
  })

  it('has a hash of its prices, whatever the order, the dates and the sources', () => {
    const [a, b] = [row, { ...row, model: 'n' }]
    expect(load(file(a, b)).hash).toEqual(load(file({ ...b, source: 'elsewhere', date: '2025-01-01' }, a)).hash)
    expect(load(file(a)).hash).not.toEqual(load(file({ ...a, output: '3' })).hash)
  })
})

describe('the shipped prices', () => {
  it('know the common models by their list prices, and mark play money as such', async () => {
    const { prices } = await shippedPrices()
    const listed = (model: string) => [prices.get(model)?.input, prices.get(model)?.output]
    expect(listed('gpt-4')).toEqual([parseUsd('30'), parseUsd('60')])
    expect(listed('gpt-4o-mini')).toEqual([parseUsd('0.15'), parseUsd('0.60')])
    expect(listed('claude-sonnet-4-20250514')).toEqual([parseUsd('3'), parseUsd('15')])
    expect([...prices.values()].filter(({ simulated }) => simulated).map(({ model }) => model)).toEqual([
      'offline-rules',
    ])
    expect([...prices.values()].filter(({ cachedInput, input }) => cachedInput > input)).toEqual([])
  })
})
