import { randomBytes } from 'node:crypto'
import { runCommand } from './cli/program.ts'
import { processTerminal } from './cli/terminal.ts'

// Ctrl-C reaches every process of a terminal, and the launcher passes it on as well: so soon it is the same key press.
const SAME_KEY_PRESS_MS = 500
const interrupted = new AbortController()
let interruptedMs = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const again = interrupted.signal.aborted && performance.now() - interruptedMs > SAME_KEY_PRESS_MS
    if (again && signal === 'SIGINT') process.exit(130)
    if (!interrupted.signal.aborted) interruptedMs = performance.now()
    interrupted.abort(new Error(signal))
  })
}
// Whoever handed over to this process is gone without a word: nobody could stop it any more.
if (process.channel !== undefined) {
  process.once('disconnect', () => interrupted.abort(new Error('the launcher is gone')))
  process.channel.unref()
}
process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  terminal: processTerminal(process.stdout, process.stderr),
  signal: interrupted.signal,
  now: Date.now,
  randomBytes: (length) => randomBytes(length),
  stdin: process.stdin,
  cwd: process.cwd(),
})
// What a full disk keeps from closing (libp2p notes its peers while it stops) must not keep a process that has ended.
setTimeout(() => process.exit(), 2_000).unref()
