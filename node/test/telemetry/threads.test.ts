import type { PeerId, ThreadId } from '@bzzz/protocols'
import type { ThreadSummary } from '@bzzz/threads'
import { expect, it } from 'vitest'
import { gaugeThreads, observeThreads } from '../../src/telemetry/threads.ts'
import { instrumentsUnderTest } from './lines.ts'

const thread = 'thread' as ThreadId

it('measures commits and counts what was in them', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  observeThreads(instruments)({ type: 'committed', thread, own: 1, received: 2, entries: 7, bytes: 900, tookMs: 4 })
  expect(await metrics()).toEqual([
    'bzzz_thread_commit_seconds_sum 0.004',
    'bzzz_thread_commit_seconds_count 1',
    'bzzz_thread_changes_total{origin="own"} 1',
    'bzzz_thread_changes_total{origin="received"} 2',
    'bzzz_thread_entries_total 7',
  ])
})

it('counts refusals by code, and says when nothing is written any more', async () => {
  const { instruments, metrics, lines } = instrumentsUnderTest()
  const observe = observeThreads(instruments)
  observe({ type: 'refused', code: 'EQUIVOCATION', reason: 'two changes, one number', thread })
  observe({ type: 'frozen', cause: new Error('disk full') })
  expect(await metrics()).toEqual(['bzzz_thread_refused_total{code="EQUIVOCATION"} 1'])
  expect(lines).toMatchObject([
    { level: 'debug', code: 'EQUIVOCATION', reason: 'two changes, one number', thread },
    { level: 'error', err: { message: 'disk full' } },
  ])
})

it('counts who signed two changes with one number, and what that cost', async () => {
  const { instruments, metrics, lines } = instrumentsUnderTest()
  const author = 'peer' as PeerId
  observeThreads(instruments)({ type: 'cut', thread, author, actor: 'ab', seq: 2, lost: 3, again: 1 })
  expect(await metrics()).toEqual(['bzzz_thread_equivocations_total 1', 'bzzz_thread_lost_changes_total 3'])
  expect(lines).toMatchObject([{ level: 'warn', author, seq: 2, lost: 3, again: 1 }])
})

it('says when an archived thread could not be compressed', () => {
  const { instruments, lines } = instrumentsUnderTest()
  const observe = observeThreads(instruments)
  observe({ type: 'compressed', thread, changes: 256, bytes: 200_000, storedBytes: 40_000 })
  observe({ type: 'compressing-failed', thread, error: new Error('disk full') })
  expect(lines.at(-1)).toMatchObject({ level: 'warn', thread, err: { message: 'disk full' } })
})

it('counts threads by state when asked', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  const list = () =>
    [
      { state: 'active' },
      { state: 'active' },
      { state: 'approved' },
      { state: 'active', archived: true },
    ] as unknown as ThreadSummary[]
  gaugeThreads(instruments.registry, { list })
  expect(await metrics()).toEqual([
    'bzzz_threads{state="active"} 2',
    'bzzz_threads{state="approved"} 1',
    'bzzz_threads{state="archived"} 1',
  ])
})
