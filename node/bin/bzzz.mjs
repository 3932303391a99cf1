#!/usr/bin/env -S node --max-semi-space-size=8
// Plain JavaScript on purpose: it runs on any Node and hands over to the Node 24 that `npm ci` installed.
// The flag: the young generation of the heap would grow to 32 MB of garbage in a process that is mostly idle.
import { existsSync } from 'node:fs'
import * as modules from 'node:module'
import { fileURLToPath } from 'node:url'

const REQUIRED_MAJOR = 24
const SAME_KEY_PRESS_MS = 250
const SOURCE_CONDITION = 'bzzz-src'
const major = Number(process.versions.node.split('.')[0])
// A clone has the sources and runs them; a published package has only the compiled files.
const source = new URL('../src/main.ts', import.meta.url)
const compiled = new URL('../dist/main.js', import.meta.url)
const fromSource = existsSync(source) && process.env.BZZZ_RUN !== 'dist'
const main = fromSource ? source : compiled
// Saves parsing and type stripping at each later start; beside the program, so that nothing is left anywhere else.
const cache = fileURLToPath(new URL('../.cache/compile', import.meta.url))

if (major >= REQUIRED_MAJOR) {
  modules.enableCompileCache(cache)
  if (fromSource) modules.registerHooks({ resolve: sourcesOfWorkspace })
  await import(main.href)
} else {
  await handOver()
}

function sourcesOfWorkspace(specifier, context, next) {
  if (!specifier.startsWith('@bzzz/')) return next(specifier, context)
  return next(specifier, { ...context, conditions: [...context.conditions, SOURCE_CONDITION] })
}

async function handOver() {
  const [{ spawn }, { constants }] = await Promise.all([import('node:child_process'), import('node:os')])
  const flags = ['--max-semi-space-size=8', ...(fromSource ? [`--conditions=${SOURCE_CONDITION}`] : [])]
  const args = [...flags, fileURLToPath(main), ...process.argv.slice(2)]
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] // the channel tells the child when this process is killed
  const child = spawn(nodeBinary(), args, { stdio, env: { NODE_COMPILE_CACHE: cache, ...process.env } })
  // Ctrl-C reaches the child as well: a signal passed on at once would meet it twice, the second time perhaps on its way out.
  process.on('SIGINT', () => setTimeout(() => child.kill('SIGINT'), SAME_KEY_PRESS_MS).unref())
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function nodeBinary() {
  const os = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${os}-${process.arch}`
  try {
    return modules.createRequire(import.meta.url).resolve(`${name}/bin/node${os === 'win' ? '.exe' : ''}`)
  } catch {
    process.stderr.write(
      `bzzz needs Node ${REQUIRED_MAJOR} or newer; this is ${process.version} and the package ${name} is not installed.\n` +
        `Install Node ${REQUIRED_MAJOR} from https://nodejs.org, or run "npm ci" without --omit=optional.\n`,
    )
    process.exit(78)
  }
}
