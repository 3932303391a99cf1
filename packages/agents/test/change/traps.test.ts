import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readRange } from '../../src/change/range.ts'
import { createOfflineProvider } from '../../src/offline/provider.ts'
import { findingsRequest } from '../offline/request.ts'
import { createRepository, type TestRepository, temporaryFolder } from './repository.ts'

const signal = new AbortController().signal

/** Everything by which a repository can make tools run a program of its choice; each of them writes the marker. */
function plantTraps({ folder, git }: TestRepository, marker: string): void {
  const script = join(folder, '.git', 'trap.sh')
  writeFileSync(script, `#!/bin/sh\ntouch '${marker}'\ncat "$1" 2>/dev/null\n`)
  chmodSync(script, 0o755)
  const settings = {
    'core.fsmonitor': script,
    'core.pager': script,
    'core.sshCommand': script,
    'core.hooksPath': join(folder, '.git', 'trap-hooks'),
    'diff.external': script,
    'diff.trap.command': script,
    'diff.trap.textconv': script,
    'filter.trap.clean': script,
    'filter.trap.smudge': script,
    'gpg.program': script,
    'log.showSignature': 'true',
    'pager.diff': script,
  }
  for (const [name, value] of Object.entries(settings)) git('config', name, value)
  for (const hook of ['post-index-change', 'reference-transaction'])
    writeFileSync(join(folder, '.git', 'hooks', hook), `#!/bin/sh\ntouch '${marker}'\n`, { mode: 0o755 })
}

test('nothing that the repository brings along is run, neither by git nor by the linters', async () => {
  const repository = createRepository()
  const marker = join(temporaryFolder(), 'trap-was-run')
  const trap = `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')\nmodule.exports = []\n`
  const configuration = {
    'eslint.config.js': trap,
    '.eslintrc.js': trap,
    '.secretlintrc.js': trap,
    'package.json': '{ "name": "trap", "eslintConfig": { "root": true } }\n',
    'tsconfig.json': '{ "compilerOptions": { "plugins": [{ "name": "./eslint.config.js" }] } }\n',
  }
  repository.commit({ ...configuration, '.gitattributes': '*.ts diff=trap filter=trap\n', 'a.ts': 'export {}\n' })
  repository.commit({ 'a.ts': 'export const run = (text: string) => eval(text)\n' })
  plantTraps(repository, marker)
  repository.git('diff', 'HEAD~1')
  expect(existsSync(marker), 'the traps work').toBe(true)
  rmSync(marker)

  const change = await readRange({ repository: repository.folder, range: 'HEAD~1..HEAD', signal })
  const provider = createOfflineProvider({ temporaryDirectory: temporaryFolder() })
  const { reply } = await provider.complete(findingsRequest('security', change), { signal })

  expect(JSON.parse(reply).findings).toMatchObject([{ rule: 'no-eval', file: 'a.ts', line: 1 }])
  expect(existsSync(marker)).toBe(false)
})

test('a missing object is not fetched', async () => {
  const repository = createRepository()
  repository.commit({ 'a.ts': '1\n' })
  repository.commit({ 'a.ts': '2\n' })
  const marker = join(temporaryFolder(), 'fetch-was-run')
  const script = join(repository.folder, '.git', 'fetch.sh')
  writeFileSync(script, `#!/bin/sh\ntouch '${marker}'\nexit 1\n`, { mode: 0o755 })
  const blob = repository.git('rev-parse', 'HEAD:a.ts')
  rmSync(join(repository.folder, '.git', 'objects', blob.slice(0, 2), blob.slice(2)))
  const settings = {
    'core.repositoryFormatVersion': '1',
    'extensions.partialClone': 'origin',
    'remote.origin.url': 'ssh://localhost/nowhere',
    'remote.origin.promisor': 'true',
    'core.sshCommand': script,
    'protocol.ssh.allow': 'always',
  }
  for (const [name, value] of Object.entries(settings)) repository.git('config', name, value)
  expect(() => repository.git('cat-file', '-p', blob)).toThrow()
  expect(existsSync(marker), 'the trap works').toBe(true)
  rmSync(marker)

  const reading = readRange({ repository: repository.folder, range: 'HEAD', signal })

  await expect(reading).rejects.toMatchObject({ code: 'GIT_FAILED' })
  expect(existsSync(marker)).toBe(false)
})
