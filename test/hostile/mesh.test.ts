import { expect, test } from 'vitest'
import { openRogue } from '../../packages/mesh/test/rogue.ts'
import { mesh } from '../../packages/threads/test/place.ts'
import { withstandMember } from './mesh.ts'
import { type MeshedNode, openMeshedNodes, seedOf, stranger } from './place.ts'
import { seed } from './seed.ts'

test(`a thousand hostile inputs of a member, over its link and gossip, leave threads as they were (seed ${seed})`, async () => {
  expect(await withstandMember(1_000, seed)).toContain('1000 inputs')
}, 120_000)

test('one who is no member is sent away before it can say anything', async () => {
  const [victim] = (await openMeshedNodes([1])) as [MeshedNode]
  const rogue = await openRogue({ seed: seedOf(8), signer: stranger }, mesh)
  await expect(rogue.stream(victim)).rejects.toThrow()
  expect(victim.facts).toContainEqual(expect.objectContaining({ type: 'stranger-refused', peer: stranger.peer }))
  await rogue.close()
})
