import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readPatch } from '@bzzz/agents'
import {
  type CostsBreakdown,
  costsBreakdown,
  postedAnswer,
  problem,
  reviewOpened,
  reviewReport,
  reviewRequest,
} from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { whyNoSmallDisk } from './small-disk.ts'
import { type Lab, openLab, thread, type Walnut } from './walnut.ts'

const missing = whyNoSmallDisk()
if (missing !== undefined) console.warn(`skipped: no small disk can be made here (${missing})`)

const PATIENCE = { timeout: 15_000, interval: 50 }
const change = readPatch('--- /dev/null\n+++ b/count.js\n@@ -0,0 +1 @@\n+export const count = 0\n', {
  repository: 'shop',
})
const STOPPED =
  /^bzzz: a write to \S+ failed \(.*No space left on device\) and the node stopped, .*; make room or mend the disk, then start it again$/

const DAMAGED =
  /^bzzz: \S+\/walnut\/state did not end in order and is damaged: .* is missing; move that folder away and start again: /

describe.skipIf(missing !== undefined)('a node whose disk is full', { timeout: 60_000 }, () => {
  let lab: Lab
  let walnut: Walnut

  beforeEach(async () => {
    lab = await openLab()
    walnut = await lab.start()
  })
  afterEach(() => lab?.close())

  /** A review whose first request is with the model. */
  async function reviewInFlight() {
    const held = lab.model.hold()
    const request = reviewRequest.parse({ change, required: ['reviewer'] })
    const opened = await walnut.client.post('/api/reviews', request, reviewOpened)
    await held.asked
    return { review: opened.thread, answer: held.answer }
  }

  async function conversation(): Promise<string> {
    const { status, answer } = await walnut.post('/api/conversations', { topic: 'Is there room?' })
    expect(status).toBe(201)
    return postedAnswer.parse(answer).thread
  }

  /** Says something. @returns the id of what was acknowledged, else the status */
  async function say(id: string, chars: number): Promise<string | number> {
    const { status, answer } = await walnut.post(`/api/conversations/${id}/messages`, { content: 'x'.repeat(chars) })
    return status === 201 ? postedAnswer.parse(answer).id : status
  }

  /** Both hold the same. */
  async function peerHas(id: string) {
    await expect
      .poll(() => thread(lab.peer.client, id).catch(() => undefined), PATIENCE)
      .toEqual(await thread(walnut.client, id))
    return thread(lab.peer.client, id)
  }

  async function expectStopped(): Promise<void> {
    const { code, stderr } = await walnut.job.ended
    const words = stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    expect({ code, words }).toEqual({ code: 74, words: [expect.stringMatching(STOPPED)] })
  }

  async function restart(): Promise<void> {
    await lab.disk.makeRoom()
    walnut = await lab.start()
    expect(walnut.log()).toContainEqual(
      expect.objectContaining({ msg: 'verified after an end that was not in order', took_ms: expect.any(Number) }),
    )
  }

  const bookedFor = async (review: string): Promise<CostsBreakdown['by_thread'][number] | undefined> => {
    const { by_thread } = await walnut.client.get('agents', '/api/costs/breakdown', costsBreakdown)
    return by_thread.find(({ name }) => name === review)
  }

  /** What was in flight is charged in full, and the review ends with calls that are new ones. */
  async function expectReviewGoesOn(review: string): Promise<void> {
    expect((await bookedFor(review))?.held_usd).toBeGreaterThan(0)
    const state = async () => (await walnut.client.get('agents', `/api/reviews/${review}`, reviewReport)).state
    await expect.poll(state, PATIENCE).toBe('approved')
    const { requests } = lab.model
    expect(new Set(requests).size).toBe(requests.length)
    expect(await bookedFor(review)).toMatchObject({ calls: requests.length })
  }

  test('by a message: the call in flight is not settled, no other is made, and nothing is told to anybody', async () => {
    const { review, answer } = await reviewInFlight()
    const talk = await conversation()
    const said = [await say(talk, 100), await say(talk, 100)]
    const before = { talk: await peerHas(talk), review: await peerHas(review) }
    expect(before.talk.ids.slice(1)).toEqual(said)
    await lab.disk.fill()
    const refused = await walnut.post(`/api/conversations/${talk}/messages`, { content: 'x'.repeat(60_000) })
    expect({ status: refused.status, code: problem.parse(refused.answer).code }).toEqual({
      status: 503,
      code: 'STATE_UNAVAILABLE',
    })
    answer()
    await expectStopped()
    expect(lab.model.requests).toHaveLength(1)
    const { client } = lab.peer
    expect({ talk: await thread(client, talk), review: await thread(client, review) }).toEqual(before)

    await restart()
    expect((await thread(walnut.client, talk)).ids).toEqual(before.talk.ids)
    await expectReviewGoesOn(review)
    await peerHas(review)
  })

  test('by a reply that cannot be booked: a message that would still have had room is refused as well', async () => {
    lab.model.say(150_000)
    const { review, answer } = await reviewInFlight()
    const talk = await conversation()
    const before = await peerHas(review)
    await lab.disk.fill(64 * 1024)
    answer()
    const said: (string | number)[] = []
    while (typeof (said.at(-1) ?? '') === 'string') said.push(await say(talk, 10))
    const first = said.length - 1
    await lab.disk.fill(1024 * 1024)
    for (let i = 0; i < 5; i++) said.push(await say(talk, 10))
    expect(said.slice(first).every((status) => status === 503 || status === 0)).toBe(true)
    await expectStopped()
    const frozen = walnut.log().find(({ msg }) => msg === 'no model call is made until the node is restarted')
    expect(frozen).toMatchObject({ err: { code: 'STATE_WRITE_FAILED' } })
    expect(lab.model.requests).toHaveLength(1)
    expect(await thread(lab.peer.client, review)).toEqual(before)

    lab.model.say(10)
    await restart()
    expect((await thread(walnut.client, talk)).ids.slice(1)).toEqual(said.slice(0, first))
    await expectReviewGoesOn(review)
    await peerHas(review)
  })

  test('while many post at once: all that was acknowledged is there after the restart', async () => {
    const talk = await conversation()
    await lab.disk.fill(256 * 1024)
    const said: string[] = []
    const poster = async () => {
      for (let id = await say(talk, 2_000); typeof id === 'string'; id = await say(talk, 2_000)) said.push(id)
    }
    await Promise.all(Array.from({ length: 8 }, poster))
    expect(said.length).toBeGreaterThan(20)
    await expectStopped()
    await restart()
    const { ids } = await thread(walnut.client, talk)
    expect(said.filter((id) => !ids.includes(id))).toEqual([])
    await peerHas(talk)
  })

  test('a log with a hole in it, behind a crash, is not started on', async () => {
    const talk = await conversation()
    await Promise.all(Array.from({ length: 4 }, () => say(talk, 30_000)))
    await say(talk, 30_000)
    walnut.job.kill()
    await walnut.job.ended
    await damageLog(lab.disk.outside('walnut', 'state'))
    const up = ['up', '--data-dir', `${lab.disk.directory}/walnut`, '--log-level', 'error']
    const { code, stderr } = await lab.disk.start(up).ended
    expect({ code, lines: stderr.trimEnd().split('\n') }).toEqual({ code: 74, lines: [expect.stringMatching(DAMAGED)] })
    expect((await lab.disk.start(up).ended).stderr).toBe(stderr)
  })
})

/** Turns some bytes over in the middle of what was written last. */
async function damageLog(state: string): Promise<void> {
  const logs = (await readdir(state)).filter((name) => name.endsWith('.log')).sort()
  const path = join(state, logs.at(-1) ?? '')
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(16, 0x55), 0, 16, Math.floor(size / 2))
  await file.close()
}
