import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Ended, run } from './command-line.ts'

let root: string
let repository: string
/** A data directory that a test may do with as it likes. */
let directory: string
let count = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bzzz-faults-'))
  repository = join(root, 'shop')
  await mkdir(repository)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=ana', '-c', 'user.email=ana@example', ...args], { cwd: repository })
  git('init', '--quiet')
  git('commit', '--quiet', '--allow-empty', '--message', 'first')
  git('commit', '--quiet', '--allow-empty', '--message', 'second')
})

afterAll(() => rm(root, { recursive: true, force: true }))

beforeEach(() => {
  directory = join(root, `node-${count++}`)
})

const PATCH = `diff --git a/cart.js b/cart.js
--- a/cart.js
+++ b/cart.js
@@ -1 +1,2 @@
 export const total = 0
+export const count = 0
`

/** Of a data directory: what may happen to a file (undefined: it is gone), and what is said about it. */
const damages: [string, ((whole: Buffer) => string | Buffer) | undefined, (path: string) => string][] = [
  [
    'node.key',
    () => 'garbage',
    (path) => `${path}: not a key file (64 hexadecimal digits); restore this node's folder`,
  ],
  ['node.key', () => '', (path) => `${path}: not a key file`],
  ['mesh.json', () => 'garbage{\n', (path) => `${path}: not a valid manifest (Unexpected token`],
  ['mesh.json', (whole) => whole.subarray(0, 200), (path) => `${path}: not a valid manifest (Unterminated string`],
  ['mesh.json', forged, (path) => `${path}: not a valid manifest (`],
  ['mesh.json', undefined, () => `there is no mesh in `],
  ['bzzz.json', () => '{\n  "http_port": 1,\n  oops\n}', (path) => `${path}:3: not JSON: `],
  ['bzzz.json', () => '{ "agents": "reviewer"\n', (path) => `${path}:2: not JSON: `],
  ['network.secret', () => 'garbage', (path) => `${path}: the network secret must be 64 hexadecimal digits; copy`],
  ['network.secret', undefined, (path) => `cannot read ${path}: ENOENT`],
]

/** Every field is as it was, but for one bit of what the owner signed. */
function forged(whole: Buffer): string {
  const file = JSON.parse(whole.toString('utf8'))
  const bytes = Buffer.from(file.manifest, 'base64')
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  return JSON.stringify({ ...file, manifest: bytes.toString('base64') })
}

function on(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return run(args, { BZZZ_DATA_DIR: directory, ...env })
}

// Another node may run on this machine.
const ANY_PORTS = { BZZZ_P2P_PORT: '0', BZZZ_HTTP_PORT: '0', BZZZ_MCP_PORT: '0' }

/** One line says what is wrong and names it; nothing of our insides is shown. */
function expectFault({ code, out, err }: Ended, exitCode: number, words: string): void {
  expect({ code, out }).toEqual({ code: exitCode, out: '' })
  expect(err.filter((line) => line !== '(see --help)')).toHaveLength(1)
  expect(err[0]).toContain(words)
  expect(err.join('\n')).not.toMatch(/^\s+at |\.ts:\d/m)
}

describe('wrong arguments end with 64', () => {
  test.each([
    ['an unknown command', ['frobnicate'], "unknown command 'frobnicate'"],
    ['an unknown option', ['status', '--frobnicate'], "unknown option '--frobnicate'"],
    ['a review of nothing', ['review'], "missing required argument 'change'"],
    ['a budget that is no amount', ['review', 'HEAD', '--budget', 'much'], "argument 'much' is invalid"],
    ['a wait that is no duration', ['review', 'HEAD', '--wait', 'long'], "argument 'long' is invalid"],
    ['no rounds', ['review', 'HEAD', '--rounds', '0'], "argument '0' is invalid"],
    ['a role name that is none', ['review', 'HEAD', '--required', 'A B'], "argument 'A B' is invalid"],
    ['a budget below the smallest amount', ['review', 'HEAD', '--budget', '0.0000000001'], 'dollars above 0'],
    ['a limit of nothing', ['init', '--daily', '0'], "argument '0' is invalid"],
    ['a member without a name', ['init', '--members', '=/ip4/127.0.0.1/tcp/1'], 'is not name'],
    ['a member twice', ['init', '--members', 'walnut,walnut'], 'each name once'],
    ['only laptops', ['init', '--members', 'slate:laptop'], 'at least one node that is no laptop'],
    ['agents for nobody', ['init', '--members', 'walnut', '--agents', 'ghost=architect'], 'there is no member ghost'],
    ['agents without a place', ['init', '--agents', 'architect'], 'name=role,role'],
  ])('%s', async (_, args, words) => {
    expectFault(await on(args), 64, words)
    expect(await readdir(root)).not.toContain(basename(directory))
  })
})

describe('a review that nobody can be asked for ends with 64', () => {
  beforeAll(() => writeFile(join(root, 'fine.patch'), PATCH))

  test.each([
    ['more rounds than there may be', ['--rounds', '200'], '--rounds: '],
    ['a seat time-out of days', ['--seat-timeout', '48h'], '--seat-timeout, in seconds: '],
    ['a role twice', ['--required', 'reviewer,reviewer'], '--required: name each role once'],
    ['a cap of billions', ['--budget', '99999999999'], '--budget: '],
  ])('%s', async (_, args, words) => {
    expectFault(await on(['review', join(root, 'fine.patch'), ...args]), 64, words)
  })
})

describe('a name or a token that cannot be ends with 64, before any node is asked', () => {
  const id = '01937C3E-7A4B-7000-8000-0123456789AB'

  test.each([['vote x approve'], ['thread post x hello'], ['thread archive x']])(
    '%s by a domain account',
    async (line) => {
      const ended = await run([...line.split(' '), '--data-dir', directory], { USER: 'CORP\\ana' })
      expectFault(ended, 64, 'say who you are with --as')
      expectFault(await on([...line.split(' '), '--as', 'a/b']), 64, '--as')
      const named = await run([...line.split(' '), '--as', 'ana', '--data-dir', directory], { USER: 'CORP\\ana' })
      expectFault(named, 69, 'no node is running')
    },
  )

  test.each([
    ['a name that is none', ['--name', 'a/b'], '--name'],
    ['no time at all', ['--name', 'ana', '--expires', '0s'], 'a duration from 1s to 3650d'],
    ['no duration', ['--name', 'ana', '--expires', 'soon'], 'a duration from 1s to 3650d'],
    ['no thread', ['--name', 'ana', '--thread', 'x'], 'the id of a thread'],
  ])('token create: %s', async (_, args, words) => {
    expectFault(await on(['token', 'create', ...args]), 64, words)
  })

  test('token create: the id of a thread in capitals is one', async () => {
    expectFault(await on(['token', 'create', '--name', 'ana', '--thread', id]), 69, 'no node is running')
  })
})

describe('a laptop that is none yet ends with 78', () => {
  test('it names the command that makes one', async () => {
    expectFault(await on(['laptop', 'up']), 78, `there is no laptop in ${directory}; run "bzzz laptop join"`)
  })
  test('one that was stopped on its way is told to go on', async () => {
    await mkdir(join(directory, '.join-0123456789abcdef'), { recursive: true })
    expectFault(await on(['laptop', 'up']), 78, 'run the same "bzzz laptop join" again')
  })
})

describe('a change that cannot be read ends with 66', () => {
  const review = (change: string, ...more: string[]) => on(['review', change, '--repo', repository, ...more])

  test('no such revision', async () => {
    expectFault(await review('main..nowhere'), 66, 'names no commit')
  })
  test('no repository', async () => {
    expectFault(await review('HEAD~1..HEAD', '--repo', root), 66, `${root} is no git repository`)
  })
  test('no such folder', async () => {
    expectFault(await review('HEAD~1..HEAD', '--repo', join(root, 'gone')), 66, join(root, 'gone'))
  })
  test('nothing changed', async () => {
    expectFault(await review('HEAD~1..HEAD'), 66, 'changes nothing')
  })
  test('nothing on standard input', async () => {
    expectFault(await review('-'), 66, 'the patch is empty')
  })
  test('a patch that is none', async () => {
    await writeFile(join(root, 'notes.txt'), 'Dear reader,\nthis is no patch.\n')
    expectFault(await review(join(root, 'notes.txt')), 66, 'the patch cannot be read: no changed file found in it')
  })
  test('a patch that was cut', async () => {
    await writeFile(join(root, 'cut.patch'), PATCH.slice(0, PATCH.indexOf('+export')))
    expectFault(await review(join(root, 'cut.patch')), 66, 'lines are missing from cart.js after "@@ -1 +1,2 @@"')
  })
  test('a patch too large to read, before any of it is in memory', async () => {
    const path = join(root, 'huge.patch')
    await writeFile(path, '')
    await truncate(path, 4 * 1024 ** 3)
    expectFault(await review(path), 66, `${path}: larger than 32 MiB; review a smaller range`)
  })
  test('an option in the place of a revision', async () => {
    const { code } = await review('--output=/tmp/x..HEAD')
    expect([64, 66]).toContain(code)
  })

  test('with --json, an object on stdout says the same', async () => {
    const { code, out, err } = await review('HEAD~1..HEAD', '--json')
    expect(JSON.parse(out)).toEqual({
      error: { code: 'EMPTY_CHANGE', message: expect.stringContaining('changes nothing'), exit_code: 66 },
    })
    expect({ code, lines: err.length }).toEqual({ code: 66, lines: 1 })
  })
})

describe('no node that answers ends with 69', () => {
  test.each([['status'], ['peers'], ['agents'], ['threads'], ['budget show'], ['thread show 01937c3e']])(
    '%s',
    async (command) => {
      const words = `no node is running on ${directory}; there is no mesh yet: found one with "bzzz init --data-dir ${directory}"`
      expectFault(await on(command.split(' ')), 69, words)
    },
  )

  test('where a mesh was founded, the next step is to start it', async () => {
    expect((await on(['init'])).code).toBe(0)
    const words = `no node is running on ${directory}; start it with "bzzz up --data-dir ${directory}"`
    expectFault(await on(['status']), 69, words)
  })

  test('a node that was killed left only its file behind', async () => {
    await mkdir(directory)
    const gone = { pid: 2 ** 22 + 1, node_url: 'http://127.0.0.1:9', agents_url: 'http://127.0.0.1:9', started_ms: 0 }
    await writeFile(join(directory, 'running.json'), JSON.stringify(gone))
    expectFault(await on(['status']), 69, `no node is running on ${directory}`)
  })

  test('a file that is half written counts as none', async () => {
    await mkdir(directory)
    await writeFile(join(directory, 'running.json'), '{"pid": 1')
    expectFault(await on(['status']), 69, `no node is running on ${directory}`)
  })

  test('another program that got its number does not answer for it', async () => {
    await mkdir(directory)
    await writeFile(join(directory, 'token'), 'a token of enough letters')
    const other = { pid: process.pid, node_url: 'http://127.0.0.1:9', agents_url: 'http://127.0.0.1:9', started_ms: 0 }
    await writeFile(join(directory, 'running.json'), JSON.stringify(other))
    expectFault(await on(['status']), 69, 'the node at http://127.0.0.1:9 does not answer')
  })
})

describe('a configuration that is wrong or missing ends with 78', () => {
  async function custom(name: string, content: string): Promise<void> {
    await mkdir(join(directory, 'config'), { recursive: true })
    await writeFile(join(directory, 'config', name), content)
  }

  test('no mesh was founded', async () => {
    expectFault(await on(['up']), 78, `there is no mesh in ${directory}; run "bzzz init" first`)
  })

  test('a mesh was founded, and a file in it is damaged or gone: nothing is written', async () => {
    await on(['init'])
    for (const [name, content, words] of damages) {
      const path = join(directory, name)
      const whole = await readFile(path)
      await (content === undefined ? rm(path) : writeFile(path, content(whole)))
      const before = await readdir(directory)
      expectFault(await on(['up']), 78, words(path))
      expect(await readdir(directory)).toEqual(before)
      await writeFile(path, whole)
    }
  })

  test.each([['up'], ['init']])('`%s` on a data directory that is a file', async (command) => {
    await writeFile(directory, 'mine')
    expectFault(await on([command]), 78, `${directory} is a file, or lies in one; name another --data-dir`)
    const below = join(directory, 'sub')
    expectFault(await on([command, '--data-dir', below]), 78, `${below} is a file, or lies in one`)
    expect(await readFile(directory, 'utf8')).toBe('mine')
  })

  test('a model without a key and an endpoint', async () => {
    await on(['init'])
    expectFault(await on(['up', '--provider', 'openai'], ANY_PORTS), 78, 'the provider openai needs OPENAI_API_KEY')
  })

  test('a key in a file that is not there', async () => {
    await on(['init'])
    const words = 'OPENAI_API_KEY_FILE: cannot read /nonexistent/key'
    expectFault(await on(['up'], { OPENAI_API_KEY_FILE: '/nonexistent/key' }), 78, words)
  })

  test('a model without a price', async () => {
    await on(['init'])
    const words =
      'there is no price for the model "house-large", so its cost cannot be held. If it runs on your own hardware, start with --local-model'
    expectFault(await on(['up', '--base-url', 'http://127.0.0.1:9/v1', '--model', 'house-large'], ANY_PORTS), 78, words)
  })

  test('a mesh was founded already', async () => {
    expect((await on(['init'])).code).toBe(0)
    expectFault(await on(['init']), 78, `${directory} already belongs to a mesh`)
  })

  test.each([
    ['a role of a node', { NODE_ROLE: 'king' }, 'NODE_ROLE'],
    ['a port', { BZZZ_HTTP_PORT: '99999' }, 'BZZZ_HTTP_PORT'],
    ['a file of prices that is not there', { BZZZ_PRICES_FILE: '/nonexistent/prices.json' }, 'BZZZ_PRICES_FILE'],
  ])('%s, named with where it came from', async (_, env, name) => {
    await on(['init'])
    expectFault(await on(['up'], env), 78, name)
  })

  test('a role that nobody defined', async () => {
    await on(['init'])
    expectFault(await on(['up', '--agents', 'poet'], ANY_PORTS), 78, 'there is no role "poet"')
  })

  test('a file of roles that is wrong, named with the line', async () => {
    await on(['init'])
    await custom('custom-agent-roles.json', '{\n"roles": [{ "name": "poet" }]\n}')
    expectFault(await on(['up'], ANY_PORTS), 78, 'custom-agent-roles.json:2: ')
  })

  test('a file of prices that is wrong, named with the line', async () => {
    await on(['init'])
    await custom('prices.json', '{\n')
    const file = join(directory, 'config', 'prices.json')
    expectFault(await on(['up'], { BZZZ_PRICES_FILE: file }), 78, `${file}:2: `)
  })

  test('limits that are wrong', async () => {
    await custom('cost-limits.json', '{"global_limits": {"dayly_limit": 5}}')
    expectFault(await on(['init']), 78, 'dayly_limit')
  })
})
