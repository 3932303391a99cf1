import { seededRandom } from '../crash/random.ts'

const SYLLABLES = ['ka', 'lo', 'mi', 're', 'tu', 'sen', 'dor', 'vi', 'pa', 'ne', 'gra', 'sto', 'li', 'ber', 'an', 'o']
const WORDS = 2_000

/** Texts that pack about as well as what people write: another one at each call, the same ones in each run. */
export function writer(seed: number): (characters: number) => string {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T
  const words = Array.from({ length: WORDS }, () =>
    Array.from({ length: 1 + random(4) }, () => pick(SYLLABLES)).join(''),
  )
  return (characters) => {
    let text = ''
    // The product of two draws: few words make up most of a text.
    while (text.length < characters) text += `${words[Math.floor((random(WORDS) * random(WORDS)) / WORDS)]} `
    return text.slice(0, characters)
  }
}
