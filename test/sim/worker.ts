import { simulate } from './run.ts'
import type { SimTerms } from './terms.ts'

/** A process that runs what it is told, one run at a time. */
process.on('message', (terms: SimTerms) => {
  const before = process.cpuUsage()
  simulate(terms).then(
    (result) => {
      const { user, system } = process.cpuUsage(before)
      process.send?.({ result, cpuMs: (user + system) / 1_000 })
    },
    (cause: unknown) => {
      process.stderr.write(`seed ${terms.seed}: ${cause instanceof Error ? cause.stack : String(cause)}\n`)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
