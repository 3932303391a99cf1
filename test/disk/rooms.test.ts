import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openSmallDisk, whyNoSmallDisk } from './small-disk.ts'

const missing = whyNoSmallDisk()
if (missing !== undefined) console.warn(`skipped: no small disk can be made here (${missing})`)

test.skipIf(missing !== undefined)(
  'a failed write of one room stops all rooms, also once there is room again, until the state is opened again',
  async () => {
    const disk = await openSmallDisk(4)
    onTestFinished(() => disk.close())
    await disk.fill(4096 * 8)
    const script = fileURLToPath(new URL('two-rooms.ts', import.meta.url))
    const args = ['--conditions=bzzz-src', script, `${disk.directory}/rooms`, `${disk.directory}/ballast`]
    expect(JSON.parse(disk.run(process.execPath, ...args))).toEqual({
      small: 'acknowledged',
      large: 'STATE_WRITE_FAILED',
      after: ['STATE_FROZEN', 'STATE_FROZEN', 'STATE_FROZEN'],
      verified: ['money/before'],
      later: 'acknowledged',
    })
  },
)
