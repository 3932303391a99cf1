import { rm } from 'node:fs/promises'
import { openState, StateError } from '@bzzz/store'

/**
 * A process of its own, on a full disk: one room's write fails, the disk gets room again, and every room tries to write.
 * Arguments: the database's folder, and the file that fills its disk. Tells on stdout what became of each write.
 */
const [directory = '', ballast = ''] = process.argv.slice(2)
const state = await openState({ directory })
const [words, money] = [state.room('words'), state.room('money')]
const put = (key: string, bytes: number) => [{ put: key, value: new Uint8Array(bytes) }]
const outcome = (writing: Promise<void>) =>
  writing.then(
    () => 'acknowledged',
    (error: unknown) => (error instanceof StateError ? error.code : String(error)),
  )
const small = await outcome(money.write(put('before', 10)))
const large = await outcome(words.write(put('large', 100_000)))
await rm(ballast)
const after = await Promise.all([
  outcome(money.write(put('after', 10))),
  outcome(words.write(put('after', 10))),
  outcome(state.write([{ room: 'money', put: 'both', value: new Uint8Array(10) }])),
])
await state.close()

const verified: string[] = []
const again = await openState({
  directory,
  verify: async (room) => {
    for (const name of ['money', 'words']) for await (const key of room(name).keys()) verified.push(`${name}/${key}`)
  },
})
const later = await outcome(again.room('money').write(put('later', 10)))
await again.close()
console.log(JSON.stringify({ small, large, after, verified, later }))
