import type { ChangeSet } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { readPatch } from '../../src/change/patch.ts'
import { readRange } from '../../src/change/range.ts'
import { createOfflineProvider, type OfflineFact } from '../../src/offline/provider.ts'
import { type FindingsReply, findingsReply } from '../../src/review/replies.ts'
import { type Content, createRepository, temporaryFolder } from '../change/repository.ts'
import { findingsRequest } from './request.ts'

const signal = new AbortController().signal

async function findings(role: string, change: ChangeSet, maxOutputTokens = 8_000): Promise<FindingsReply> {
  const provider = createOfflineProvider({ temporaryDirectory: temporaryFolder() })
  const { reply } = await provider.complete({ ...findingsRequest(role, change), maxOutputTokens }, { signal })
  return findingsReply.parse(JSON.parse(reply)) as FindingsReply
}

/** A repository with `before`, and one commit that makes it `after`. */
function changeOf(before: Record<string, Content>, after: Record<string, Content>): Promise<ChangeSet> {
  const repository = createRepository()
  repository.commit({ 'README.md': '# A project\n', ...before })
  repository.commit(after)
  return readRange({ repository: repository.folder, range: 'HEAD', signal })
}

function places({ findings: found }: FindingsReply): string[] {
  return found.map(({ file, line, rule }) => `${file}:${line} ${rule}`).sort()
}

const TOKEN = ['ghp', 'aTokenMadeUpForThisTestOnly123456789'].join('_')
const FAULTY = `import { exec } from 'node:child_process'

export function archive(folder: string): void {
  const token = '${TOKEN}'
  const unused = 1
  exec('tar czf backup.tgz ' + folder, { env: { token } })
  try {
    eval(folder)
  } catch (error) {}
}
`
const MANIFEST = (dependencies: object) =>
  `${JSON.stringify({ name: 'p', scripts: { lodash: 'x' }, dependencies }, null, 2)}\n`

describe('the offline provider', () => {
  test('finds what must be found in any repository, each finding with the exact line as evidence', async () => {
    const change = await changeOf(
      { 'package.json': MANIFEST({}), 'package-lock.json': '{}' },
      { 'package.json': MANIFEST({ lodash: '^4.17.21' }), 'src/archive.ts': FAULTY },
    )
    const reply = await findings('maintainer', change)
    expect(places(reply)).toEqual([
      'package.json:7 bzzz/dependency-without-lockfile',
      'src/archive.ts:4 @secretlint/secretlint-rule-github',
      'src/archive.ts:5 @typescript-eslint/no-unused-vars',
      'src/archive.ts:6 sonarjs/os-command',
      'src/archive.ts:8 no-eval',
      'src/archive.ts:9 no-empty',
    ])
    const lines = FAULTY.split('\n')
    for (const { file, line, quote } of reply.findings) if (file.endsWith('.ts')) expect(quote).toBe(lines[line - 1])
    expect(JSON.stringify(reply.findings.map(({ message }) => message))).not.toContain(TOKEN)
    expect(reply.findings[0]?.severity).toBe('critical')
    expect(reply.summary).toMatch(
      /^Offline rules \(eslint 10\.\d+\.\d+, .*\), no language model\. 6 findings on the added lines/,
    )
  })

  test('reports nothing on ordinary code, on old lines, or when the lock file changed as well', async () => {
    const ordinary = `import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'

const LINE = /^\\s*(\\w+)\\s*=\\s*(.*?)\\s*$/
const tokenUrl = 'https://example.org/login/oauth/access_token'

/** Reads \`name = value\` lines. */
export function parse(text: string, { strict = false, _unused = 0 } = {}): Map<string, string> {
  const values = new Map<string, string>()
  for (const [index, line] of text.split('\\n').entries()) {
    const [, name, value] = LINE.exec(line) ?? []
    if (name == null || value === undefined) {
      if (strict) throw new Error(\`line \${index + 1} is wrong\`)
      continue
    }
    values.set(name, value)
  }
  return values
}

export async function fetchToken(password: string, token?: string): Promise<string> {
  if (token !== undefined) return token
  try {
    const response = await fetch(tokenUrl, { method: 'POST', body: password })
    return await response.text()
  } catch {
    // Offline: the caller asks again.
    return ''
  }
}

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
export const list = (folder: string): void => void execFile('ls', ['-l', folder])
export type Options = Parameters<typeof parse>[1]
export const Button = ({ label }: { label: string }) => <button type="button">{label}</button>
`
    const change = await changeOf(
      { 'old.ts': FAULTY, 'package.json': MANIFEST({}), 'package-lock.json': '1' },
      {
        'old.ts': `${FAULTY}export const more = 1\n`,
        'ordinary.tsx': ordinary,
        'package.json': MANIFEST({ lodash: '^4.17.21' }),
        'package-lock.json': '2',
      },
    )
    expect(places(await findings('maintainer', change))).toEqual([])
  })

  test('is not silenced or configured by comments', async () => {
    const text = `/* eslint-disable */
// @ts-nocheck
eval(x) // eslint-disable-line
/* eslint no-eval: "off" */
// secretlint-disable
const token = '${TOKEN}' // secretlint-disable-line
`
    const change = await changeOf({}, { 'a.js': text, 'node_modules/b.js': text })
    expect(places(await findings('security', change))).toEqual([
      'a.js:3 no-eval',
      'a.js:6 @secretlint/secretlint-rule-github',
      'node_modules/b.js:3 no-eval',
      'node_modules/b.js:6 @secretlint/secretlint-rule-github',
    ])
  })

  test('reads what it can of a patch without whole files, and says what it could not', async () => {
    const patch = `--- a/src/run.ts
+++ b/src/run.ts
@@ -40,3 +40,6 @@ export function run(text) {
   if (text) {
-    return parse(text)
+    const unused = 1
+    eval(text)
+    const token = '${TOKEN}'
+    return text
   }
--- a/package.json
+++ b/package.json
@@ -5,2 +5,4 @@
   "dependencies": {
+    "left-pad": "^1.3.0",
     "lodash": "^4.17.21"
+  "version": "1.0.1"
`
    const reply = await findings('maintainer', readPatch(patch, { repository: 'work' }))
    expect(places(reply)).toEqual([
      'package.json:6 bzzz/dependency-without-lockfile',
      'src/run.ts:42 no-eval',
      'src/run.ts:43 @secretlint/secretlint-rule-github',
    ])
    expect(reply.summary).toContain('Known only by hunks, so rules that need the whole file did not run: src/run.ts.')
  })

  test('says which files it did not or could not read', async () => {
    const change = await changeOf(
      {},
      { 'a.py': `token = '${TOKEN}'\n`, 'b.ts': 'const = 1\n', 'c.png': Uint8Array.of(0) },
    )
    const reply = await findings('security', change)
    expect(places(reply)).toEqual(['a.py:1 @secretlint/secretlint-rule-github'])
    expect(reply.summary).toContain('Scanned for secrets, read by no linter: a.py.')
    expect(reply.summary).toMatch(/Could not be parsed: b\.ts \(line 1: Parsing error: /)
    expect(reply.summary).toContain('Not read: c.png (binary).')
  })

  test('sees a cycle of imports, but not one of types', async () => {
    const change = await changeOf(
      {},
      {
        'src/a.ts': "import { b } from './b.js'\nexport const a = () => b\n",
        'src/b.ts': "import { c } from './c/index.ts'\nexport const b = () => c\n",
        'src/c/index.ts':
          "import type { a } from '../a'\nimport { d } from './d'\nexport const c = (): typeof a => d\n",
        'src/c/d.ts': "export * from '../b'\nexport const d = 1\n",
      },
    )
    const { findings: found } = await findings('architect', change)
    expect(places({ summary: '', findings: found })).toEqual([
      'src/b.ts:1 bzzz/import-cycle',
      'src/c/d.ts:1 bzzz/import-cycle',
      'src/c/index.ts:2 bzzz/import-cycle',
    ])
    expect(found[0]?.message).toContain('src/b.ts -> src/c/index.ts -> src/c/d.ts -> src/b.ts')
  })

  test('keeps its reply within the tokens it may take, the gravest findings first, and says what it left out', async () => {
    const change = await changeOf({}, { 'a.js': `${'if (a == b) c()\n'.repeat(50)}if (1 === NaN) c()\n` })
    const reply = await findings('reviewer', change, 600)
    expect(JSON.stringify(reply).length).toBeLessThanOrEqual(600 * 4)
    expect(reply.findings[0]?.rule).toBe('use-isnan')
    expect(reply.summary).toContain(`Left out for want of room: the ${51 - reply.findings.length} least grave.`)
  })

  test('answers the same request with the same reply, counts its tokens from bytes, and streams none', async () => {
    const request = findingsRequest('reviewer', await changeOf({}, { 'a.js': 'if (a == b) c()\n' }))
    const provider = createOfflineProvider({ temporaryDirectory: temporaryFolder() })
    const shown: string[] = []
    const first = await provider.complete(request, { signal, onToken: (text) => shown.push(text) })
    const second = await provider.complete(request, { signal })
    expect(second).toEqual(first)
    expect(shown).toEqual([])
    expect(first.providerRequestId).toBeNull()
    expect(first.usage).toMatchObject({
      input: 6,
      cacheWrite: 0,
      output: Math.ceil(first.reply.length / 4),
      cost: null,
    })
    expect(provider.bound(request)).toBe(6)
  })

  test('ends the linters when it is told to stop', async () => {
    const change = await changeOf({}, { 'a.js': 'eval(x)\n' })
    const stop = new AbortController()
    const facts: OfflineFact[] = []
    const observe = (fact: OfflineFact): void => {
      facts.push(fact)
      stop.abort()
    }
    const provider = createOfflineProvider({ temporaryDirectory: temporaryFolder(), observe })
    const answering = provider.complete(findingsRequest('security', change), { signal: stop.signal })
    await expect(answering).rejects.toMatchObject({ name: 'ModelError', code: 'ABORTED', billed: 'no' })
    expect(facts).toMatchObject([{ type: 'linters-started' }, { type: 'linters-ended', signal: 'SIGKILL' }])
    expect(() => process.kill(facts[0]?.pid ?? 0, 0)).toThrow('ESRCH')
  })

  test('knows no other model', async () => {
    const change = await changeOf({}, { 'a.js': 'x()\n' })
    const provider = createOfflineProvider({ temporaryDirectory: temporaryFolder() })
    const answering = provider.complete({ ...findingsRequest('security', change), model: 'gpt' }, { signal })
    await expect(answering).rejects.toMatchObject({ code: 'NOT_FOUND', billed: 'no' })
  })
})
