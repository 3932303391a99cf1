import type { ThreadFact, ThreadSummary, Threads } from '@bzzz/threads'
import { Counter, Gauge, Histogram } from 'prom-client'
import { DISK_SECONDS, dispatch, type FactHandlers, type Instruments } from './instruments.ts'

/** Metrics and log lines of the threads. */
export function observeThreads(instruments: Instruments): (fact: ThreadFact) => void {
  const { log } = instruments
  return dispatch<ThreadFact>({
    ...commitHandlers(instruments),
    ...refusalHandlers(instruments),
    loaded: ({ thread, changes }) => log.debug({ thread, changes }, 'thread loaded'),
    unloaded: ({ thread, why }) => log.debug({ thread, why }, 'thread unloaded'),
    retried: ({ thread, cause }) =>
      log.warn({ thread, err: cause }, 'the CRDT failed on several changes at once: now one by one'),
    'snapshot-made': (fields) => log.debug(fields, 'snapshot made'),
    'snapshot-failed': ({ thread, error }) => log.debug({ thread, err: error }, 'the thread has no snapshot'),
    'snapshot-joined': (fields) => log.debug(fields, 'snapshot verified and stored'),
    // the wires say it aloud, with who offered it
    'snapshot-refused': (fields) => log.debug(fields, 'snapshot refused'),
    compressed: (fields) => log.debug(fields, 'thread compressed'),
    'compressing-failed': ({ thread, error }) =>
      log.warn({ thread, err: error }, 'an archived thread was not compressed'),
    frozen: ({ cause }) =>
      log.error({ err: cause }, 'a write failed: threads take nothing until the node is restarted'),
    'listener-failed': ({ error }) => log.error({ err: error }, 'a watcher of threads failed'),
  })
}

/** Threads by state, read when somebody asks. */
export function gaugeThreads(registry: Instruments['registry'], threads: Pick<Threads, 'list'>): void {
  new Gauge({
    name: 'bzzz_threads',
    help: 'Threads on this disk, by state; archived ones count as that alone.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const state of ['active', 'approved', 'changes_requested', 'escalated', 'archived'] as const) {
        const isOfState = (thread: ThreadSummary) => (thread.archived ? 'archived' : thread.state) === state
        this.set({ state }, threads.list().filter(isOfState).length)
      }
    },
  })
}

type Handlers<T extends ThreadFact['type']> = Pick<FactHandlers<ThreadFact>, T>

function commitHandlers({ registry, log }: Instruments): Handlers<'committed' | 'hidden'> {
  const registers = [registry]
  const seconds = new Histogram({
    name: 'bzzz_thread_commit_seconds',
    help: 'From the first look at a group of changes to its synced write. A group may carry many entries.',
    buckets: DISK_SECONDS,
    registers,
  })
  const changes = new Counter({
    name: 'bzzz_thread_changes_total',
    help: 'Changes synced to disk: own, or received from other nodes. Repeats and refused ones do not count.',
    labelNames: ['origin'],
    registers,
  })
  const entries = new Counter({
    name: 'bzzz_thread_entries_total',
    help: 'Entries in the changes synced to disk.',
    registers,
  })
  const hidden = new Counter({
    name: 'bzzz_thread_hidden_total',
    help: 'Entries that are stored but not shown, by reason.',
    labelNames: ['reason'],
    registers,
  })
  return {
    committed({ own, received, entries: count, tookMs, ...fields }) {
      seconds.observe(tookMs / 1000)
      changes.inc({ origin: 'own' }, own)
      changes.inc({ origin: 'received' }, received)
      entries.inc(count)
      log.debug({ own, received, entries: count, tookMs, thread: fields.thread, bytes: fields.bytes }, 'committed')
    },
    hidden({ thread, reason }) {
      hidden.inc({ reason })
      log.warn({ thread, reason }, 'entry not shown')
    },
  }
}

function refusalHandlers({ registry, log }: Instruments): Handlers<'refused' | 'held' | 'cut'> {
  const registers = [registry]
  const refused = new Counter({
    name: 'bzzz_thread_refused_total',
    help: 'Changes from elsewhere that were not taken, by code.',
    labelNames: ['code'],
    registers,
  })
  const held = new Counter({
    name: 'bzzz_thread_held_total',
    help: 'Changes put aside until their causes come. One that comes again after it was dropped counts again.',
    registers,
  })
  const dropped = new Counter({
    name: 'bzzz_thread_held_dropped_total',
    help: 'Changes put aside and dropped for newer ones; repair brings them again.',
    registers,
  })
  const cuts = new Counter({
    name: 'bzzz_thread_equivocations_total',
    help: 'Actors found to have signed two changes with one number; again when an earlier or smaller one turns up.',
    registers,
  })
  const lost = new Counter({
    name: 'bzzz_thread_lost_changes_total',
    help: 'Changes taken out of the log for that. What was beaten when it came is not in it.',
    registers,
  })
  return {
    cut({ type: _, ...fields }) {
      cuts.inc()
      lost.inc(fields.lost)
      log.warn(fields, 'a member signed two changes with one number')
    },
    refused({ code, reason, thread, author, cause }) {
      refused.inc({ code })
      // The wires say it aloud, with who sent it.
      log.debug({ code, reason, thread, author, err: cause }, 'change refused')
    },
    held({ thread, author, buffered, dropped: gone }) {
      held.inc()
      dropped.inc(gone)
      log.debug({ thread, author, buffered, dropped: gone }, 'change held')
    },
  }
}
