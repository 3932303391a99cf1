import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import type { TestNode } from '../node/nodes.ts'
import { type Lab, MODEL, openLab, PRICE, type Reviewed } from './lab.ts'
import { BILLED, BUSY_S, type FaultyServer, GREEDY, startForeignServer, startWildServer } from './servers.ts'

const KEY = 'sk-of-a-test'
let keyFile: string
const FOREIGN = ['busy', 'full', 'broken', 'locked', 'unknown', 'filtered', 'garbled', 'cut']
const WILD = ['keyless', 'spent', 'dropped', 'severed', 'polite', 'refusing', 'unsaid']
const WAITING = ['stalled', 'slow']

let lab: Lab
let foreign: FaultyServer
let wild: FaultyServer
/** Where nobody listens any more. */
let gone: FaultyServer
let acacia: TestNode | undefined
/** All faults at the same time: each is a seat of its own, in a review of its own. */
const reviewed = new Map<string, Reviewed>()

beforeAll(async () => {
  ;[lab, foreign, wild, gone] = await Promise.all([
    openLab(),
    startForeignServer(),
    startWildServer(),
    startWildServer(),
  ])
  await gone.stop()
  keyFile = join(lab.directory, 'key')
  await writeFile(keyFile, KEY)
  const at = (url: string) => ({ openai_base_url: url })
  const env = { OPENAI_API_KEY: KEY }
  const short = { BZZZ_MODEL_IDLE_TIMEOUT: '2s', BZZZ_MODEL_TIMEOUT: '3s' }
  const nodes = await Promise.all([
    lab.open('walnut', FOREIGN, { flags: at(foreign.baseUrl), env }),
    lab.open('cedar', WILD, { flags: at(wild.baseUrl) }),
    lab.open('ironwood', WAITING, { flags: at(wild.baseUrl), env: { ...env, ...short } }),
    lab.open('acacia', ['greedy'], { flags: at(wild.baseUrl), env }),
    lab.open('maple', ['forgetful'], { flags: at(wild.baseUrl), env: { OPENAI_API_KEY_FILE: keyFile } }),
    lab.open('birch', ['lost'], { flags: at(gone.baseUrl), env }),
  ])
  acacia = nodes[3]
  await rm(keyFile)
  const roles = [FOREIGN, WILD, WAITING, ['greedy'], ['forgetful'], ['lost']]
  const all = nodes.flatMap((node, i) => (roles[i] ?? []).map((role): [TestNode, string] => [node, role]))
  await Promise.all(all.map(async ([node, role]) => reviewed.set(role, await lab.review(node, role))))
}, 60_000)

afterAll(async () => {
  await lab?.close()
  await Promise.all([foreign?.stop(), wild?.stop()])
})

function of(role: string): Reviewed {
  const found = reviewed.get(role)
  if (found === undefined) throw new RangeError(`nothing was reviewed by ${role}`)
  return found
}

/** Sent for the role: the server's own count, each with the id of a call of its own. */
function requestsOf(role: string): number {
  const requests = [...foreign.requests(role), ...wild.requests(role)]
  expect(new Set(requests.map(({ key }) => key)).size).toBe(requests.length)
  return requests.length
}

function usdOf({ input, output }: typeof BILLED, requests = 1): number {
  return (requests * (input * PRICE.input + output * PRICE.output)) / 1e6
}

/**
 * What is held for a call whose end nobody knows: more than any reply may cost. `settled` is the sum of the known ones.
 */
interface Booked {
  readonly requests: number
  readonly settled: number
  readonly uncertain: boolean
}

const NOTHING = { settled: 0, uncertain: false }
const A_REPLY = { settled: usdOf(BILLED), uncertain: false }
const UNCERTAIN = { settled: 0, uncertain: true }

function expectBooked(role: string, { requests, settled, uncertain }: Booked): void {
  const { ledger } = of(role)
  expect({ requests: requestsOf(role), settled: ledger.spent_usd }).toEqual({ requests, settled })
  expect(ledger.held_usd > 0).toBe(uncertain)
  if (uncertain) expect(ledger.held_usd).toBeGreaterThan(usdOf(BILLED, requests))
}

/** Role, how it is booked, and the words of its seat, which are all that a user gets to see of the fault. */
const faults: [string, Booked, () => string][] = [
  [
    'full',
    { requests: 1, ...NOTHING },
    () =>
      `RATE_LIMITED: ${foreign.baseUrl} takes no more now (429 slow down) and wants us back after 3600 s: ask less at a time, or raise the provider's limit`,
  ],
  [
    'spent',
    { requests: 1, ...NOTHING },
    () => `RATE_LIMITED: ${wild.baseUrl} takes no more now (429 no credit): top up the provider's account`,
  ],
  [
    'broken',
    { requests: 3, ...UNCERTAIN },
    () => `UNAVAILABLE: ${foreign.baseUrl} failed (500 the model crashed): see that server's log`,
  ],
  [
    'slow',
    { requests: 3, ...UNCERTAIN },
    () => 'TIMEOUT: no whole reply of the model within 3 s: raise BZZZ_MODEL_TIMEOUT, or take a faster model',
  ],
  [
    'stalled',
    { requests: 3, ...UNCERTAIN },
    () =>
      `STALLED: ${wild.baseUrl} was silent for 2 s: see that server's log, or raise BZZZ_MODEL_IDLE_TIMEOUT if its model needs so long`,
  ],
  [
    'dropped',
    { requests: 3, ...UNCERTAIN },
    () =>
      `UNAVAILABLE: ${wild.baseUrl} closed the connection without an answer (UND_ERR_SOCKET: other side closed): see that server's log`,
  ],
  [
    'severed',
    { requests: 3, ...UNCERTAIN },
    () =>
      `CUT_OFF: ${wild.baseUrl} broke the connection in the middle of the reply (UND_ERR_SOCKET: other side closed): see that server's log`,
  ],
  [
    'polite',
    { requests: 3, ...UNCERTAIN },
    () => `CUT_OFF: ${wild.baseUrl} ended the stream before the reply was whole: see that server's log`,
  ],
  [
    'refusing',
    { requests: 1, ...A_REPLY },
    () => 'REFUSED: the model refused: "I would rather not"; another model may not',
  ],
  [
    'filtered',
    { requests: 1, ...A_REPLY },
    () => `REFUSED: the content filter of ${foreign.baseUrl} stopped the reply; another model or provider may not`,
  ],
  [
    'garbled',
    { requests: 3, settled: usdOf(BILLED, 3), uncertain: false },
    () =>
      "BAD_REPLY: the model's reply is not the JSON that was asked for (no JSON object): take a model that can write it",
  ],
  [
    'unknown',
    { requests: 1, ...NOTHING },
    () =>
      `NOT_FOUND: ${foreign.baseUrl} does not know the model "${MODEL}", or is no such address (404 no such model): correct OPENAI_MODEL or OPENAI_BASE_URL, which mostly ends in /v1`,
  ],
  [
    'locked',
    { requests: 1, ...NOTHING },
    () =>
      `AUTH: ${foreign.baseUrl} refuses the key (401 Incorrect API key provided: [key]): set OPENAI_API_KEY or OPENAI_API_KEY_FILE to one that it takes`,
  ],
  [
    'keyless',
    { requests: 1, ...NOTHING },
    () =>
      `AUTH: ${wild.baseUrl} wants a key, and none is set (401 a key, please): set OPENAI_API_KEY or OPENAI_API_KEY_FILE to one that it takes`,
  ],
  [
    'forgetful',
    { requests: 0, ...NOTHING },
    () =>
      `AUTH: the key for ${wild.baseUrl} cannot be read: OPENAI_API_KEY_FILE: cannot read ${keyFile}: ENOENT: no such file or directory, open '${keyFile}'`,
  ],
  [
    'lost',
    { requests: 0, ...NOTHING },
    () =>
      `UNAVAILABLE: ${gone.baseUrl} cannot be reached (connect ECONNREFUSED ${new URL(gone.baseUrl).host}): start that server, or correct OPENAI_BASE_URL`,
  ],
]

test.each(faults)(
  'a seat whose model is %s is unavailable, says why and what to do, and a human decides',
  (role, booked, words) => {
    const { code, stdout, stderr } = of(role)
    expect({ code, stderr }).toEqual({ code: 20, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^ESCALATED \\(${role} unavailable\\)  `, 'm'))
    expect(stdout.split('\n')).toContainEqual(expect.stringMatching(new RegExp(`^  ${role} on \\w+: unavailable, `)))
    expect(stdout).toContain(`: unavailable, ${words()}\n`)
    expect(stdout).toContain('  0 of 1 files read\n')
    expectBooked(role, booked)
  },
)

test('no line that anybody saw holds the key', () => {
  for (const { stdout, stderr } of reviewed.values()) expect(stdout + stderr).not.toContain(KEY)
})

test('a server that is full is asked again after the time it names, not before', () => {
  const { code, stdout } = of('busy')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^APPROVED /m)
  const [refused, again] = foreign.requests('busy')
  expect((again?.atMs ?? 0) - (refused?.atMs ?? 0)).toBeGreaterThanOrEqual(BUSY_S * 1000)
  expectBooked('busy', { requests: 4, settled: usdOf(BILLED, 3), uncertain: false })
})

test('a connection that a foreign server cuts counts as billed, and its seat as unavailable', () => {
  const { code, stdout } = of('cut')
  expect(code).toBe(20)
  expect(stdout).toMatch(
    /: unavailable, (UNAVAILABLE|CUT_OFF): \S+ (closed|broke) the connection .*: see that server's log$/m,
  )
  expectBooked('cut', { requests: 3, ...UNCERTAIN })
})

test('a reply without usage counts, each call at the most it may have cost', () => {
  const { code, stdout, ledger } = of('unsaid')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^ {2}unsaid on cedar: at most \$\d\.\d+, since the model's server did not plainly say what it used$/m,
  )
  expect(requestsOf('unsaid')).toBe(3)
  expect(ledger).toMatchObject({ calls: 3, held_usd: 0, input_tokens: 0 })
  expect(ledger.spent_usd).toBeGreaterThan(usdOf(BILLED, 3))
  expect(ledger.unproven_usd).toBe(ledger.spent_usd)
})

test('a bill above the bound is booked as it is; the model is frozen there, and the review pauses and says so', async () => {
  const { code, stdout } = of('greedy')
  expect(code).toBe(30)
  const words = `${MODEL} is frozen on this node: \\$0\\.1202 was billed for a call that could cost \\$0\\.00\\d+; correct its price in the price file and start the node again`
  expect(stdout).toMatch(new RegExp(`^PAUSED \\(${words}\\)  `, 'm'))
  expect(stdout).toMatch(new RegExp(`^  greedy on acacia: paused, ${words}$`, 'm'))
  expectBooked('greedy', { requests: 1, settled: usdOf(GREEDY), uncertain: false })
  const shown = await bzzz(['budget', 'show', '--data-dir', acacia?.directory ?? ''])
  expect(shown.stdout).toMatch(
    /; of what it spent, \$0\.1\d+ was billed above what calls could cost by the price table$/m,
  )
  expect(shown.stdout).toMatch(
    new RegExp(`^  ${MODEL} is frozen on this node: \\$0\\.1202 was billed for a call that`, 'm'),
  )
})
