#!/usr/bin/env node
// Plain JavaScript on purpose: it runs on any Node and hands over to the Node 24 that `npm ci` installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const REQUIRED_MAJOR = 24
const SAME_KEY_PRESS_MS = 250
const major = Number(process.versions.node.split('.')[0])
// A clone has the sources and runs them; a published package has only the compiled files.
const source = new URL('../src/main.ts', import.meta.url)
const compiled = new URL('../dist/main.js', import.meta.url)
const fromSource = existsSync(source) && process.env.BZZZ_RUN !== 'dist'

// The young generation of the heap would grow to 32 MB of garbage in a process that is mostly idle.
const flags = ['--max-semi-space-size=8', ...(fromSource ? ['--conditions=bzzz-src'] : [])]
const args = [...flags, fileURLToPath(fromSource ? source : compiled), ...process.argv.slice(2)]
// Saves parsing and type stripping at each later start; beside the program, so that nothing is left anywhere else.
const cache = fileURLToPath(new URL('../.cache/compile', import.meta.url))
const env = { NODE_COMPILE_CACHE: cache, ...process.env }
const binary = nodeBinary()

if (major >= REQUIRED_MAJOR && process.platform !== 'win32') {
  process.execve(binary, [binary, ...args], env)
} else {
  const child = spawn(binary, args, { stdio: 'inherit', env })
  // Ctrl-C reaches the child as well: a signal passed on at once would meet it twice, the second time perhaps on its way out.
  process.on('SIGINT', () => setTimeout(() => child.kill('SIGINT'), SAME_KEY_PRESS_MS).unref())
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function nodeBinary() {
  if (major >= REQUIRED_MAJOR) return process.execPath
  const os = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${os}-${process.arch}`
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node${os === 'win' ? '.exe' : ''}`)
  } catch {
    process.stderr.write(
      `bzzz needs Node ${REQUIRED_MAJOR} or newer; this is ${process.version} and the package ${name} is not installed.\n` +
        `Install Node ${REQUIRED_MAJOR} from https://nodejs.org, or run "npm ci" without --omit=optional.\n`,
    )
    process.exit(78)
  }
}
