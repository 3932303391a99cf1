import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const unit = fileURLToPath(new URL('../../deploy/systemd/bzzz.service', import.meta.url))
const present = spawnSync('systemd-analyze', ['--version']).status === 0

test.runIf(present)('systemd takes the unit without a warning', () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test.runIf(present)('the unit is exposed no more than systemd calls OK', () => {
  const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' })
  const level = Number(/Overall exposure level for bzzz\.service: ([\d.]+)/.exec(stdout)?.[1])
  expect(level).toBeLessThan(2.5)
})
