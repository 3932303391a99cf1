import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openSmallDisk, type SmallDisk, whyNoSmallDisk } from './small-disk.ts'

const missing = whyNoSmallDisk()
if (missing !== undefined) console.warn(`skipped: no small disk can be made here (${missing})`)

const ANY_PORT = ['--http-port', '0', '--mcp-port', '0', '--p2p-port', '0', '--log-level', 'error']

describe.skipIf(missing !== undefined)('a disk that refuses ends a command with one line', () => {
  let disk: SmallDisk
  /** Founded while there was room. */
  let home: string

  beforeAll(async () => {
    disk = await openSmallDisk(4)
    home = `${disk.directory}/node`
    expect(await disk.start(['init', '--data-dir', home]).ended).toMatchObject({ code: 0, stderr: '' })
  })
  afterEach(() => disk.makeRoom().catch(() => undefined)) // a test that filled nothing has nothing to free
  afterAll(() => disk?.close())

  async function expectFault(args: readonly string[], words: RegExp): Promise<void> {
    const { code, stderr } = await disk.start(args).ended
    expect({ code, lines: stderr.trimEnd().split('\n') }).toEqual({ code: 74, lines: [expect.stringMatching(words)] })
  }

  const up = () => disk.start(['up', '--json', '--data-dir', home, ...ANY_PORT])

  async function expectStarts(): Promise<void> {
    const job = up()
    await job.line()
    job.signal('SIGTERM')
    expect(await job.ended).toEqual({ code: 0, stderr: '' })
  }

  test('founding on a full disk leaves nothing behind, however full it is, and a second try founds', async () => {
    const other = disk.outside('other')
    for (const spare of [0, 8192]) {
      await disk.fill(spare)
      await expectFault(
        ['init', '--data-dir', `${disk.directory}/other`],
        /^bzzz: cannot use .*other.*: the disk is full; make room on it/,
      )
      await expect(access(other)).rejects.toMatchObject({ code: 'ENOENT' })
      await disk.makeRoom()
    }
    expect(await disk.start(['init', '--data-dir', `${disk.directory}/other`]).ended).toMatchObject({ code: 0 })
  })

  test('founding in a folder that holds settings leaves them as they were', async () => {
    await mkdir(disk.outside('kept'))
    await writeFile(disk.outside('kept', 'bzzz.json'), '{"log_level":"warn"}')
    await disk.fill(8192)
    await expectFault(['init', '--data-dir', `${disk.directory}/kept`], /: the disk is full; make room on it/)
    expect(await readdir(disk.outside('kept'))).toEqual(['bzzz.json'])
    expect(await readFile(disk.outside('kept', 'bzzz.json'), 'utf8')).toBe('{"log_level":"warn"}')
  })

  test('a node on a full disk does not start, and starts once there is room', async () => {
    for (const spare of [0, 8192]) {
      await disk.fill(spare)
      await expectFault(
        ['up', '--data-dir', home, ...ANY_PORT],
        /^bzzz: cannot use .*\/node.*: the disk is full; make room on it, then run this again$/,
      )
      await disk.makeRoom()
    }
    await expectStarts()
  })

  test('a disk that is mounted read-only is named as such, by a node and by founding', async () => {
    disk.run('mount', '-o', 'remount,ro', disk.directory)
    await expectFault(
      ['up', '--data-dir', home, ...ANY_PORT],
      /^bzzz: cannot use .*\/node\/state\/LOCK: the disk is mounted read-only; mount it writable/,
    )
    await expectFault(
      ['init', '--data-dir', `${disk.directory}/more`],
      /^bzzz: cannot use .*\/more: the disk is mounted read-only; mount it writable/,
    )
    disk.run('mount', '-o', 'remount,rw', disk.directory)
    await expectStarts()
  })

  test('a full disk under the cache alone is named too', async () => {
    disk.run(
      'sh',
      '-c',
      `mkdir -p "$0" && mount -t tmpfs -o size=4k none "$0" && echo full > "$0/ballast"`,
      `${home}/cache`,
    )
    await expectFault(
      ['up', '--data-dir', home, ...ANY_PORT],
      /^bzzz: cannot use .*\/node\/cache.*: the disk is full; make room on it/,
    )
    disk.run('umount', `${home}/cache`)
    await expectStarts()
  })

  test('a node that cannot write where it is reached closes again in order', async () => {
    await mkdir(disk.outside('node', 'running.json'))
    const { code, stderr } = await up().ended
    expect({ code, stderr }).toEqual({ code: 74, stderr: expect.stringMatching(/^bzzz: .*running\.json.*\n$/) })
    expect(await readdir(disk.outside('node', 'state'))).toContain('CLEAN')
    disk.run('rmdir', `${home}/running.json`)
    await expectStarts()
  })

  test('a cache that becomes full while the node runs holds up neither a message nor the end', async () => {
    disk.run('sh', '-c', `mkdir -p "$0" && mount -t tmpfs -o size=64k none "$0"`, `${home}/cache`)
    const job = up()
    const { agents_url } = JSON.parse(await job.line())
    disk.run('sh', '-c', 'cat /dev/zero > "$0/ballast" 2>/dev/null; true', `${home}/cache`)
    const token = (await readFile(disk.outside('node', 'token'), 'utf8')).trim()
    const { status } = await fetch(new URL('/api/conversations', agents_url), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ topic: 'Is there room?' }),
    })
    expect(status).toBe(201)
    job.signal('SIGTERM')
    expect((await job.ended).code).toBe(0)
    disk.run('umount', `${home}/cache`)
  })
})
