import { encodeCanonical, meshIdBytes, newThreadId, threadIdBytes } from '@bzzz/protocols'
import { Pen } from '../../packages/threads/test/pen.ts'
import { mesh } from '../../packages/threads/test/place.ts'
import { blownUp, deflatedChunkOf, mutated, noise } from './chunks.ts'
import { type Maker, oneOf, type Scene } from './scene.ts'

const BOMB_BYTES = 64 * 1024 * 1024
const NULLS = 20_000

/** What anybody can send, without any key. */
export function rubbish({ healthy, attacked, attacker }: Scene): Record<string, Maker> {
  const sights = [healthy, attacked]
  const envelopes = sights.flatMap((sight) => sight.envelopes)
  const unsigned = (change: Uint8Array): Maker => {
    return (random) => {
      const thread = threadIdBytes(oneOf(sights, random).thread)
      return encodeCanonical({ v: 1, mesh: meshIdBytes(mesh), thread, change, sig: noise(64, random) })
    }
  }
  const pen = new Pen(attacker, newThreadId(0, new Uint8Array(10)))
  const nulls = pen.change(
    (draft) => (draft.log[`${pen.actor}/0`] = Array.from({ length: NULLS }, () => null) as never),
  )
  return {
    'random bytes': (random) => noise(random(random(8) === 0 ? 65_536 : 512), random),
    'a truncated envelope': (random) => {
      const whole = oneOf(envelopes, random)
      return whole.subarray(0, random(whole.length))
    },
    'an altered envelope': (random) => mutated(oneOf(envelopes, random), random),
    'an envelope sent again': (random) => oneOf(envelopes, random),
    'a change of a million operations in 160 bytes': unsigned(blownUp(nulls)),
    'a deflate bomb': unsigned(deflatedChunkOf(Buffer.alloc(BOMB_BYTES))),
    'more bytes than any envelope has': (random) => new Uint8Array(2 ** 20 + random(1024)),
  }
}
