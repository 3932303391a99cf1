import { expect, test } from 'vitest'
import { createClosers } from '../src/closers.ts'

function listed(closed: string[], name: string, error?: Error): [string, () => Promise<void>] {
  return [
    name,
    async () => {
      closed.push(name)
      if (error !== undefined) throw error
    },
  ]
}

test('what was opened last is closed first', async () => {
  const closed: string[] = []
  const closers = createClosers()
  for (const name of ['state', 'mesh', 'http']) closers.add(...listed(closed, name))
  await closers.close()
  expect(closed).toEqual(['http', 'mesh', 'state'])
})

test('all are tried, and those that failed are named in one error, with their causes', async () => {
  const closed: string[] = []
  const [port, disk] = [new Error('port stuck'), new Error('disk full')]
  const closers = createClosers()
  closers.add(...listed(closed, 'state', disk))
  closers.add(...listed(closed, 'mesh'))
  closers.add(...listed(closed, 'http', port))

  const error: unknown = await closers.close().catch((thrown: unknown) => thrown)
  expect(closed).toEqual(['http', 'mesh', 'state'])
  expect(error).toBeInstanceOf(AggregateError)
  const { message, errors } = error as AggregateError
  expect(message).toBe('http did not close: port stuck; state did not close: disk full')
  expect(errors.map(({ cause }: Error) => cause)).toEqual([port, disk])
})

test('closing again waits for the same end and closes nothing twice', async () => {
  const closed: string[] = []
  const closers = createClosers()
  closers.add(...listed(closed, 'state'))
  await Promise.all([closers.close(), closers.close()])
  await closers.close()
  expect(closed).toEqual(['state'])
})
