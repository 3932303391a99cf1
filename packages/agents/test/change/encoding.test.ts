import { MAX_CHANGE_SET_BYTES } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { decodeChangeSet, encodeChangeSet, fitChangeSet } from '../../src/change/encoding.ts'
import { readPatch } from '../../src/change/patch.ts'

const change = readPatch('--- /dev/null\n+++ b/ä.ts\n@@ -0,0 +1 @@\n+const π = 3\n', { repository: 'work' })

describe('change sets as bytes', () => {
  test('come back as they were', () => {
    expect(decodeChangeSet(encodeChangeSet(change))).toEqual(change)
  })

  test.each([
    ['too many bytes', new Uint8Array(MAX_CHANGE_SET_BYTES + 1), 'TOO_LARGE'],
    ['text that is not JSON', Buffer.from('{'), 'BAD_SHAPE'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'BAD_SHAPE'],
    ['another shape', Buffer.from('{"v":2}'), 'BAD_SHAPE'],
    ['a path out of the repository', Buffer.from(JSON.stringify(change).replaceAll('ä.ts', '../a')), 'BAD_SHAPE'],
  ])('are refused when they are %s', (_, bytes, code) => {
    expect(() => decodeChangeSet(bytes)).toThrow(expect.objectContaining({ name: 'ProtocolError', code }))
  })

  test('are not made of more files than a review may have', () => {
    const [file] = change.files
    const files = Array.from({ length: 2_001 }, (_, index) => ({
      ...file,
      path: `${index}.ts`,
      status: 'added' as const,
      hunks: [],
    }))
    expect(() => fitChangeSet({ ...change, files })).toThrow(
      expect.objectContaining({ name: 'ChangeError', code: 'TOO_LARGE' }),
    )
  })
})
