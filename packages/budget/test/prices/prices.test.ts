import { encodeCanonical, sha256 } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { loadPrices, shippedPrices } from '../../src/prices/prices.ts'
import { mergePrices } from '../../src/prices/table.ts'
import { parseUsd } from '../../src/usd.ts'

const row = { model: 'm', provider: 'p', input: '1', output: 2.5, date: '2026-11-22', source: 'a page' }
const long = { above: 200_000, input: '2', output: '5' }
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
    [
      'a dearer read from the cache',
      file({ ...row, cachedInput: '1.5' }),
      'my-prices.json:12: models[0].cachedInput: a token that is read from the cache costs at most what another does',
    ],
    [
      'only the surcharge of a cache write',
      file({ ...row, cacheWrite: '0.25' }),
      'my-prices.json:12: models[0].cacheWrite: a token that is written to the cache costs at least what another does',
    ],
    [
      'a free tier',
      file({ ...row, tiers: [{ ...long, output: 0 }] }),
      'my-prices.json:16: models[0].tiers[0].output: a price of 0 needs "local": true',
    ],
    [
      'a tier without a number',
      file({ ...row, tiers: [{ input: '2', output: '5' }] }),
      'my-prices.json:13: models[0].tiers[0].above: ',
    ],
    [
      'tiers in disorder',
      file({ ...row, tiers: [long, long] }),
      'my-prices.json:19: models[0].tiers[1].above: tiers come in order, and this one is not above 200000',
    ],
    [
      'a tier that forgets its cache writes',
      file({ ...row, cacheWrite: '2', tiers: [long] }),
      'my-prices.json:14: models[0].tiers[0]: cache writes of this model are dearer than its input: name their price here too',
    ],
    ['more than eight tiers', file({ ...row, tiers: Array(9).fill(long) }), 'my-prices.json:12: models[0].tiers: '],
    ['an unknown field of a tier', file({ ...row, tiers: [{ ...long, until: 9 }] }), 'Unrecognized key: "until"'],
    ['an unknown field', file({ ...row, inptu: 1 }), 'my-prices.json:5: models[0]: Unrecognized key: "inptu"'],
    ['a model twice', file(row, row), 'my-prices.json:13: m is priced twice'],
  ])('with %s is refused by file, line and reason', (_, text, words) => {
    expect(() => load(text)).toThrow(
      expect.objectContaining({ code: 'BAD_PRICES', message: expect.stringContaining(words) }),
    )
  })

  it('takes tokens that are written to the cache, and long prompts, as other prompt tokens unless it says otherwise', () => {
    const { prices } = load(
      file(row, {
        ...row,
        model: 'n',
        cachedInput: '0.1',
        cacheWrite: '1.25',
        tiers: [{ ...long, cacheWrite: '2.5' }],
      }),
    )
    expect(prices.get('m')).toMatchObject({ cacheWrite: parseUsd('1'), tiers: [] })
    expect(prices.get('n')).toMatchObject({
      cacheWrite: parseUsd('1.25'),
      // What the file does not say of a tier is at its dearest.
      tiers: [{ above: 200_000, input: parseUsd('2'), cachedInput: parseUsd('2'), cacheWrite: parseUsd('2.5') }],
    })
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
    for (const other of [
      { output: '3' },
      { cachedInput: '0.5' },
      { cacheWrite: '2' },
      { tiers: [long] },
      { simulated: true },
    ]) {
      expect(load(file(a)).hash).not.toEqual(load(file({ ...a, ...other })).hash)
    }
    const tiers = (over: object) => load(file({ ...row, tiers: [{ ...long, ...over }] })).hash
    for (const other of [{ above: 1 }, { input: '3' }, { output: '6' }, { cachedInput: '1' }, { cacheWrite: '3' }]) {
      expect(tiers({})).not.toEqual(tiers(other))
    }
  })

  it('has the hash of the specification', () => {
    const models = [
      { ...row, model: 'n', local: true, simulated: true },
      { ...row, cachedInput: '0.1', cacheWrite: '1.25', tiers: [{ ...long, cachedInput: '0.2', cacheWrite: '2.5' }] },
    ]
    const nano = (dollars: number) => BigInt(dollars * 1_000_000_000)
    const listed = [
      [
        'm',
        nano(1),
        nano(0.1),
        nano(1.25),
        nano(2.5),
        [[200_000, nano(2), nano(0.2), nano(2.5), nano(5)]],
        false,
        false,
      ],
      ['n', nano(1), nano(1), nano(1), nano(2.5), [], true, true],
    ]
    const hash = load(file(...models)).hash
    expect(hash).toEqual(sha256('bzzz/price-table/1\0', encodeCanonical(listed)))
    expect(Buffer.from(hash).toString('hex')).toBe('f45ebf9b59f74621dd42f54b852fe18dd65a294defe2c4e01c29ae842842274d')
  })
})

describe('the shipped prices', () => {
  it('know the common models by their list prices, and mark play money as such', async () => {
    const { prices } = await shippedPrices()
    const listed = (model: string) => [prices.get(model)?.input, prices.get(model)?.output]
    expect(listed('gpt-4')).toEqual([parseUsd('30'), parseUsd('60')])
    expect(listed('gpt-4o-mini')).toEqual([parseUsd('0.15'), parseUsd('0.60')])
    expect(listed('claude-sonnet-4-20250514')).toEqual([parseUsd('3'), parseUsd('15')])
    // As Anthropic lists them: a write that lasts an hour is twice the input, and all is dearer above 200,000 prompt tokens.
    expect(prices.get('claude-sonnet-4-5')).toMatchObject({
      cacheWrite: parseUsd('6'),
      tiers: [{ above: 200_000, input: parseUsd('6'), cachedInput: parseUsd('0.6'), cacheWrite: parseUsd('12') }],
    })
    expect([...prices.values()].filter(({ simulated }) => simulated).map(({ model }) => model)).toEqual([
      'offline-rules',
    ])
  })
})
