import { decodeInvite, type JoinAnswer, openManifest, type PeerId } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/errors.ts'
import { identityFromSeed } from '../../src/identity/identity.ts'
import { openPlace, type Place, seeded, walnut } from './place.ts'

let place: Place
beforeEach(async () => {
  place = await openPlace()
})
afterEach(() => place.close())

const HOUR_MS = 3_600_000
const ana = seeded(30).peer
const bo = seeded(31).peer

async function invited(label: string | null = null): Promise<PeerId> {
  const { token } = await place.invites.create({ role: 'laptop', label, lifeMs: HOUR_MS })
  return identityFromSeed(decodeInvite(token).seed).peer
}

const asLaptop = { role: 'laptop', incarnation: null, addrs: [] } as const
const join = (invite: PeerId, peer: PeerId, label: string | null = null) =>
  place.invites.join(invite, { ...asLaptop, peer, label })

function versionIn(answer: JoinAnswer): number | string {
  return answer.t === 'refused' ? answer.code : openManifest(answer.newest, place.first.mesh).manifest.version
}

describe('an invitation', () => {
  it('tells its holder what is needed to come, and nothing of it is kept but its key’s name', async () => {
    const { record, token } = await place.invites.create({ role: 'laptop', label: 'ana', lifeMs: HOUR_MS })
    const invite = decodeInvite(token)
    expect(invite).toMatchObject({ mesh: place.first.mesh, network: 'lab', peer: walnut.peer, role: 'laptop' })
    expect(invite.addrs).toEqual(['/ip4/127.0.0.1/tcp/4001'])
    expect(identityFromSeed(invite.seed).peer).toBe(record.id)
    expect(JSON.stringify(place.invites.list())).not.toContain(Buffer.from(invite.seed).toString('hex'))
  })

  it('makes its holder a laptop without rights, in a version that the owner signed', async () => {
    const answer = await join(await invited('ana'), ana, 'as-it-likes')
    expect(versionIn(answer)).toBe(2)
    const { manifest } = place.membership.newest()
    expect(manifest.members.at(-1)).toEqual({ peer: ana, label: 'ana', role: 'laptop', addrs: [] })
    expect(manifest.allotments).toEqual(place.first.manifest.allotments)
    expect(place.invites.list()).toMatchObject([{ used: { peer: ana, label: 'ana' } }])
  })

  it('gives the same key the same answer again, also after a restart and its expiry, and another key none', async () => {
    const invite = await invited()
    expect(versionIn(await join(invite, ana))).toBe(2)
    await place.reopen()
    place.clock.ms += 2 * HOUR_MS
    expect(versionIn(await join(invite, ana))).toBe(2)
    expect(versionIn(await join(invite, bo))).toBe('USED')
    expect(place.membership.newest().manifest.version).toBe(2)
  })

  it('is used once, however many come at the same time', async () => {
    const invite = await invited()
    const answers = await Promise.all([ana, bo, ana, bo].map((peer) => join(invite, peer)))
    expect(answers.map(versionIn)).toEqual([2, 'USED', 2, 'USED'])
  })

  it('is over when it has expired or was revoked, also after a restart', async () => {
    const [late, revoked] = [await invited(), await invited()]
    expect((await place.invites.revoke(revoked))?.revokedMs).toBe(place.clock.ms)
    await place.reopen()
    expect(versionIn(await join(revoked, ana))).toBe('REVOKED')
    place.clock.ms += HOUR_MS
    expect(versionIn(await join(late, ana))).toBe('EXPIRED')
    expect(versionIn(await join(seeded(77).peer, ana))).toBe('UNKNOWN')
    expect(place.membership.newest()).toEqual(place.first)
  })

  it('that was used stays used when it is revoked', async () => {
    const invite = await invited()
    await join(invite, ana)
    expect(await place.invites.revoke(invite)).toMatchObject({ revokedMs: null, used: { peer: ana } })
    expect(place.membership.isMember(ana)).toBe(true)
  })

  it('is not used up by a name that is taken', async () => {
    const invite = await invited()
    expect(versionIn(await join(invite, ana, 'walnut'))).toBe('LABEL_TAKEN')
    expect(versionIn(await join(invite, ana, 'ana'))).toBe(2)
    await expect(place.invites.create({ role: 'laptop', label: 'ana', lifeMs: HOUR_MS })).rejects.toMatchObject({
      code: 'LABEL_TAKEN',
    })
  })

  it('for a name that is taken meanwhile is good for another one', async () => {
    const invite = await invited('bo')
    expect(versionIn(await join(await invited(), ana, 'Bo'))).toBe(2)
    expect(versionIn(await join(invite, bo))).toBe('LABEL_TAKEN')
    expect(versionIn(await join(invite, bo, 'bO'))).toBe('LABEL_TAKEN')
    expect(versionIn(await join(invite, bo, 'bo-2'))).toBe(3)
    expect(place.membership.newest().manifest.members.at(-1)?.label).toBe('bo-2')
  })

  it('is not made for a name of a member, or of another that is open, in whatever case', async () => {
    const first = await invited('ana')
    await expect(invited('Ana')).rejects.toMatchObject({ code: 'LABEL_TAKEN', message: expect.stringContaining(first) })
    await expect(invited('WALNUT')).rejects.toMatchObject({ code: 'LABEL_TAKEN' })
    await place.invites.revoke(first)
    await invited('Ana')
  })

  it('names those who name themselves nothing', async () => {
    await join(await invited(), ana)
    expect(place.membership.newest().manifest.members.at(-1)?.label).toMatch(/^laptop-[A-Za-z0-9]{6}$/)
  })

  it('is not made without the owner key, and is not used up while that is away', async () => {
    let isHere = true
    const missing = new ConfigError('OWNER_KEY_MISSING', 'not here')
    const other = await openPlace({ owner: () => (isHere ? Promise.resolve(seeded(9)) : Promise.reject(missing)) })
    try {
      const { record } = await other.invites.create({ role: 'laptop', label: null, lifeMs: HOUR_MS })
      isHere = false
      const request = { ...asLaptop, peer: ana, label: null }
      await expect(other.invites.join(record.id, request)).rejects.toBe(missing)
      await expect(other.invites.create({ role: 'laptop', label: null, lifeMs: HOUR_MS })).rejects.toBe(missing)
      isHere = true
      expect((await other.invites.join(record.id, request)).t).toBe('joined')
    } finally {
      await other.close()
    }
  })

  it('gives room for new ones by forgetting the oldest that is over', async () => {
    const first = await invited()
    await place.invites.revoke(first)
    for (let i = 0; i < 255; i++) await invited()
    expect(place.invites.knows(first)).toBe(true)
    await invited()
    expect(place.invites.knows(first)).toBe(false)
    await expect(invited()).rejects.toMatchObject({ code: 'INVITES_EXHAUSTED' })
  })
})
