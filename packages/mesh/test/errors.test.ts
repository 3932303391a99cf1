import { expect, test } from 'vitest'
import { messageOf } from '../src/errors.ts'

test('a reason is words, whatever was thrown', () => {
  expect(messageOf(new Error('nobody listens there'))).toBe('nobody listens there')
  expect(messageOf(new Event('close'))).toBe('the connection ended (close)')
})
