import { newThreadId, type ThreadId } from '@bzzz/protocols'
import { Pen } from '../pen.ts'
import { mesh, signerOf, writerOf } from '../place.ts'

export { mesh }
export const thread: ThreadId = newThreadId(7_000, Buffer.alloc(10, 5))
export const writers = [21, 22, 26].map(signerOf)

/** A log of three members who take turns, each of whom knows what the others have written now and then. */
export function logOf(changes: number): { log: Uint8Array[]; pens: Pen[] } {
  const pens = writers.map((signer) => new Pen(signer, thread))
  const log: Uint8Array[] = []
  for (let i = 0; i < changes; i++) {
    const pen = pens[i % pens.length] as Pen
    if (i % 6 === 0) pen.learn(...log)
    log.push(pen.append(messageOf(pen, `message-${String(i).padStart(4, '0')}`)))
  }
  for (const pen of pens) pen.learn(...log)
  return { log, pens }
}

export function messageOf(pen: Pen, id: string): string {
  return JSON.stringify(writerOf(pen.signer).message(id, `the words of ${id}, some of them`))
}
