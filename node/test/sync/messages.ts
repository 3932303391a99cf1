/** What a client sends that has nothing of a document yet. */
export const request = Buffer.from('42000001000000020284', 'hex')

/** A change that sets a number. */
const small = Buffer.from(
  '856f4a8318ed2fbd012f0010010101010101010101010101010101010101000000061503340142025602570170027f016e017f017f14007f00',
  'hex',
)
const COUNT = 120_000

/** A sync message with one change in it over and over, each of which is inspected: seconds of work. */
export function manyChanges(): Uint8Array {
  const each = Buffer.concat([Buffer.of(small.length), small])
  const count = Buffer.of((COUNT & 0x7f) | 0x80, ((COUNT >> 7) & 0x7f) | 0x80, COUNT >> 14)
  return Buffer.concat([Buffer.of(0x42, 0, 0, 0), count, ...Array.from({ length: COUNT }, () => each)])
}
