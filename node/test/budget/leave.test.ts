import { expect, it } from 'vitest'
import { type LeavingOptions, leaveMesh } from '../../src/budget/leave.ts'
import { openPlace, seeded } from '../membership/place.ts'

/** What is looked at before anything is given away. */
async function leaving(role: 'laptop' | undefined): Promise<unknown> {
  const place = await openPlace()
  const { peer } = seeded(30)
  const newest = () => {
    const { members } = place.first.manifest
    const own = role === undefined ? [] : [{ peer, label: 'ana', role, addrs: [] }]
    return { ...place.first, manifest: { ...place.first.manifest, members: [...members, ...own] } }
  }
  const options = { membership: { newest }, mesh: { peer } } as unknown as LeavingOptions
  return await leaveMesh(options).finally(() => place.close())
}

it.each([
  ['a laptop', 'laptop' as const, /^a laptop holds no rights/],
  ['a machine that was removed', undefined, /^this machine was removed from the mesh and is no member any more/],
])('%s has nothing to give away, and is told what to do', async (_, role, words) => {
  await expect(leaving(role)).rejects.toMatchObject({ code: 'CHANGE_REFUSED', message: expect.stringMatching(words) })
})
