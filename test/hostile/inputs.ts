import type { Random } from '../crash/random.ts'
import { lies } from './lies.ts'
import { rubbish } from './rubbish.ts'
import { oneOf, type Scene } from './scene.ts'

/** What somebody sends who means harm. */
export interface Input {
  readonly kind: string
  readonly bytes: Uint8Array
}

/** The same inputs for the same seed, each kind about as often as any other. */
export function inputs(scene: Scene, count: number, random: Random): Input[] {
  const makers = Object.entries({ ...rubbish(scene), ...lies(scene) })
  return Array.from({ length: count }, () => {
    const [kind, make] = oneOf(makers, random)
    return { kind, bytes: make(random) }
  })
}
