import { describe, expect, test } from 'vitest'
import { blobHash, type ChangeSet, changeSet, finding, MAX_CHANGED_FILES } from '../src/review-change/change.ts'
import { golden } from './keys.ts'

const change: ChangeSet = {
  v: 1,
  repository: 'shop',
  base: '1'.repeat(40),
  head: '2'.repeat(40),
  title: 'Sort the basket',
  files: [
    {
      path: 'src/basket.ts',
      status: 'modified',
      hunks: [{ lines: [{ kind: 'added', line: 3, text: 'items.sort()' }] }],
      text: 'a\nb\nitems.sort()\n',
    },
    { path: 'logo.png', status: 'added', hunks: [], omitted: 'binary' },
  ],
  lockfiles: ['package-lock.json'],
}
const claim = {
  severity: 'high',
  file: 'src/a.ts',
  line: 1,
  rule: 'r',
  quote: '',
  message: 'm',
  verified: false,
} as const

describe('a change set', () => {
  test('has the bytes and the hash of its spec', () => {
    const bytes = Buffer.from(JSON.stringify(change))
    expect(String(bytes)).toBe(Buffer.from(golden('review-change').json ?? '', 'hex').toString())
    expect(blobHash(bytes)).toBe(golden('review-change').hash)
    expect(changeSet.parse(JSON.parse(String(bytes)))).toEqual(change)
  })

  test('names files inside the repository alone', () => {
    for (const path of ['/etc/passwd', '../secret', 'src/../../secret', 'a\0b', '']) {
      const file = { path, status: 'added', hunks: [] }
      expect(changeSet.safeParse({ ...change, files: [file] }).success, path).toBe(false)
      expect(finding.safeParse({ ...claim, file: path }).success, path).toBe(false)
    }
    expect(finding.safeParse({ ...claim, file: 'src/..gitignore' }).success).toBe(true)
  })

  test('has bounds and no other members', () => {
    const [file] = change.files
    const many = Array.from({ length: MAX_CHANGED_FILES + 1 }, () => file)
    expect(changeSet.safeParse({ ...change, files: many }).success).toBe(false)
    expect(changeSet.safeParse({ ...change, v: 2 }).success).toBe(false)
    expect(changeSet.safeParse({ ...change, checkout: '/tmp' }).success).toBe(false)
    expect(finding.safeParse({ ...claim, line: 0 }).success).toBe(false)
    expect(finding.safeParse({ ...claim, message: '' }).success).toBe(false)
  })
})
