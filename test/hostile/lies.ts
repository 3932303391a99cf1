import {
  inspectChange,
  type MeshId,
  type PeerId,
  ProtocolError,
  readEnvelope,
  type Signer,
  sealEnvelope,
  type ThreadId,
} from '@bzzz/protocols'
import { chunkOf } from '../../packages/mesh/test/chunks.ts'
import { immutable, Pen } from '../../packages/threads/test/pen.ts'
import { mesh } from '../../packages/threads/test/place.ts'
import type { Random } from '../crash/random.ts'
import { bodyOf, mutated, withActor } from './chunks.ts'
import { idOf, type Maker, oneOf, type Scene, type Sight } from './scene.ts'

const OTHER_MESH = 'cd'.repeat(32) as MeshId
/** Different ones of each kind that takes a copy of the document to be written with. */
const COPIES = 12

/** What takes a key, and mostly a member's. */
export function lies({ healthy, attacked, attacker, stranger }: Scene): Record<string, Maker> {
  const bodies = bodiesOf(attacked, attacker)
  const body = (random: Random, signer = attacker) => {
    const actor = Buffer.concat([signer.publicKey, Buffer.alloc(8, random(64))])
    return withActor(oneOf(bodies, random), bodies.actor, actor)
  }
  return {
    ...edits([healthy, attacked], attacker),
    'a mutant whose checksum and signature are right': (random) =>
      sealed(mesh, attacked.thread, mutated(body(random), random), attacker),
    'a change of one thread in another': (random) => sealed(mesh, healthy.thread, body(random), attacker),
    'a change of this mesh in another': (random) => sealed(OTHER_MESH, attacked.thread, body(random), attacker),
    'words of one who is no member': (random) =>
      sealed(mesh, oneOf([healthy, attacked], random).thread, body(random, stranger), stranger),
    "another's entry id, and another's name": some((i) => {
      const pen = new Pen(attacker, attacked.thread, { suffix: 128 + i }).learn(...attacked.envelopes)
      return pen.append(words(idOf(i), i % 2 === 0 ? attacker.peer : ownerOf(attacked).author))
    }),
  }
}

/** What no honest node writes, each on top of all that the thread's owner wrote. */
function edits(sights: readonly Sight[], attacker: Signer): Record<string, Maker> {
  const edited = (edit: (log: Record<string, unknown[]>, page: string, i: number) => void) =>
    some((i) => {
      const sight = sights[i % sights.length] as Sight
      const pen = new Pen(attacker, sight.thread, { suffix: 64 + i }).learn(...sight.envelopes)
      const page = `${ownerOf(sight).header.actor}/0`
      return pen.write((draft) => edit(draft.log as Record<string, unknown[]>, page, i))
    })
  return {
    "another's entry replaced": edited((log, page, i) =>
      log[page]?.splice(i, 1, immutable(words(idOf(i), attacker.peer))),
    ),
    "an entry behind another's last": edited((log, page, i) =>
      log[page]?.push(immutable(words(`guest-${i}`, attacker.peer))),
    ),
    "another's page deleted": edited((log, page) => {
      delete log[page]
    }),
    "another's page made anew": edited((log, page, i) => {
      log[page] = [immutable(words(idOf(i), attacker.peer))]
    }),
    'a change in the name of another': some((i) => {
      const sight = sights[i % sights.length] as Sight
      const pen = new Pen(attacker, sight.thread, { actor: ownerOf(sight).header.actor }).learn(...sight.envelopes)
      return pen.append(words(`in-your-name-${i}`, ownerOf(sight).author))
    }),
  }
}

/** First changes of one actor, unpacked, with one entry to dozens. */
function bodiesOf(sight: Sight, signer: Signer): Buffer[] & { actor: Buffer } {
  let actor = Buffer.alloc(0)
  const bodies = Array.from({ length: COPIES }, (_, i) => {
    const pen = new Pen(signer, sight.thread, { suffix: 255 }).learn(...sight.envelopes)
    actor = Buffer.from(pen.actor, 'hex')
    const texts = Array.from({ length: 1 + (i % 4) * 20 }, (_, n) => immutable(words(`mutant-${i}-${n}`, signer.peer)))
    return bodyOf(pen.change((draft) => (draft.log[`${pen.actor}/0`] = texts)))
  })
  return Object.assign(bodies, { actor })
}

function some(write: (i: number) => Uint8Array): Maker {
  const written = Array.from({ length: COPIES }, (_, i) => write(i))
  return (random) => oneOf(written, random)
}

/** Signed if it can be: what has no readable header is refused before anybody looks at the signature. */
function sealed(ofMesh: MeshId, thread: ThreadId, body: Uint8Array, signer: Signer): Uint8Array {
  const change = chunkOf(body)
  try {
    inspectChange(change)
    return sealEnvelope(ofMesh, thread, change, signer)
  } catch (error) {
    if (error instanceof ProtocolError) return change
    throw error
  }
}

function ownerOf({ envelopes: [first] }: Sight) {
  if (first === undefined) throw new RangeError('an empty thread')
  return readEnvelope(mesh, first)
}

function words(id: string, peer: PeerId): string {
  return JSON.stringify({ type: 'message', id, author: `human:ada@${peer}`, ts: 1, content: `${id} of the attacker` })
}
