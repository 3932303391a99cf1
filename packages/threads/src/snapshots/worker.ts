import { parentPort } from 'node:worker_threads'
import type { Arrival } from '../arrival.ts'
import { makeSnapshot } from './make.ts'
import { type OpenedSnapshot, openSnapshot, verifyChanges } from './opened.ts'
import type { Answer, Question } from './questions.ts'

/** Where snapshots are made and looked at: what blocks here blocks nobody, and what hangs is ended from outside. */
let open: { readonly mesh: Parameters<typeof openSnapshot>[0]; readonly snapshot: OpenedSnapshot } | undefined

parentPort?.on('message', (question: Question) => parentPort?.postMessage(answered(question)))

function answered(question: Question): Answer {
  try {
    return answer(question)
  } catch (error) {
    return { a: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

function answer(question: Question): Answer {
  switch (question.q) {
    case 'make':
      return { a: 'made', bytes: makeSnapshot(question.mesh, question.thread, partsOf(question.log, question.lengths)) }
    case 'open': {
      const { mesh, thread, bytes } = question
      open = { mesh, snapshot: openSnapshot(mesh, thread, bytes) }
      const { changes, authors, summary } = open.snapshot
      return { a: 'opened', changes: changes.length, authors, summary }
    }
    case 'entries':
      return { a: 'entries', entries: opened().snapshot.entries.slice(question.from, question.to) }
    case 'verify': {
      const { mesh, snapshot } = opened()
      verifyChanges(mesh, snapshot.changes.slice(question.from, question.to))
      return { a: 'verified' }
    }
    case 'changes':
      return { a: 'changes', changes: opened().snapshot.changes.slice(question.from, question.to).map(arrivalOf) }
  }
}

function partsOf(log: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = 0
  return lengths.map((length) => {
    at += length
    return log.subarray(at - length, at)
  })
}

function opened(): NonNullable<typeof open> {
  if (open === undefined) throw new Error('no snapshot is open')
  return open
}

function arrivalOf({ thread, header, author, change, bytes }: Arrival): Arrival {
  return { thread, header, author, change: Uint8Array.from(change), bytes: Uint8Array.from(bytes) }
}
