import { parentPort, workerData } from 'node:worker_threads'
import type { ThreadId } from '@bzzz/protocols'
import { Replica, SyncFault } from '@bzzz/threads'
import { readFrame } from '../frames.ts'
import type { Answer, Calls, Request, WorkerSettings } from './calls.ts'

/*
 * A thread of its own for what laptops send: their frames and messages are taken apart here, so that the worst of them blocks
 * nobody but other laptops, until the host ends this thread and begins another.
 */

const { mesh } = workerData as WorkerSettings
const replicas = new Map<ThreadId, Replica>()

function replicaOf(thread: ThreadId): Replica {
  const replica = replicas.get(thread)
  if (replica === undefined) throw new Error(`thread ${thread} is not open`)
  return replica
}

function drop(thread: ThreadId): void {
  replicas.get(thread)?.free()
  replicas.delete(thread)
}

const calls: Calls = {
  read: (bytes) => readFrame(bytes) ?? null,
  open(thread, envelopes, sockets) {
    drop(thread)
    const replica = new Replica(mesh, thread, envelopes)
    for (const socket of sockets) replica.join(socket)
    replicas.set(thread, replica)
  },
  drop,
  learn: (thread, envelopes) => replicaOf(thread).learn(envelopes),
  offer: (thread, socket, message, speaker) => replicaOf(thread).offer(socket, message, speaker),
  knows: (thread, message) => replicaOf(thread).knows(message),
  settle: (thread, socket) => replicaOf(thread).settle(socket),
  join: (thread, socket) => replicaOf(thread).join(socket),
  leave: (thread, socket) => replicas.get(thread)?.leave(socket),
  message: (thread, to) => replicaOf(thread).message(to),
  save: (thread) => replicaOf(thread).save(),
}

function answerTo({ name, args }: Request): Answer {
  try {
    // The host passes what the call takes: both sides are typed by `Calls`.
    const call = calls[name] as (...args: readonly unknown[]) => unknown
    return { status: 'done', value: call(...args) }
  } catch (error) {
    return { status: error instanceof SyncFault ? 'fault' : 'failed', reason: String((error as Error).message) }
  }
}

parentPort?.on('message', (request: Request) => parentPort?.postMessage(answerTo(request)))
const ready: Answer = { status: 'done', value: null }
parentPort?.postMessage(ready)
