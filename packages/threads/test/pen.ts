import * as Automerge from '@automerge/automerge'
import {
  encodeCanonical,
  type MeshId,
  readEnvelope,
  type Signer,
  sealEnvelope,
  type ThreadId,
  threadIdBytes,
} from '@bzzz/protocols'
import { buildDocument, genesisChange, type ThreadDocument } from '../src/document.ts'
import { mesh } from './place.ts'

type Draft = { -readonly [K in keyof ThreadDocument]: ThreadDocument[K] } & Record<string, unknown>

/** A member who writes whatever it likes: changes straight through Automerge, signed with its own key. */
export class Pen {
  readonly signer: Signer
  readonly thread: ThreadId
  readonly actor: string
  #document: ThreadDocument

  constructor(signer: Signer, thread: ThreadId, { suffix = 1, actor = '' } = {}) {
    this.signer = signer
    this.thread = thread
    this.actor = actor || Buffer.concat([signer.publicKey, Buffer.alloc(8, suffix)]).toString('hex')
    this.#document = buildDocument(this.actor, [genesisChange(thread)])
  }

  get document(): ThreadDocument {
    return this.#document
  }

  /** Applies what others have written. */
  learn(...envelopes: Uint8Array[]): this {
    const changes = envelopes.map((envelope) => readEnvelope(mesh, envelope).change)
    ;[this.#document] = Automerge.applyChanges(this.#document, changes)
    return this
  }

  /** @returns the change of any edit, in an envelope */
  write(edit: (draft: Draft) => void, options: { mesh?: MeshId; signer?: Signer } = {}): Uint8Array {
    return this.seal(this.change(edit), options)
  }

  /** The change of any edit, bare. */
  change(edit: (draft: Draft) => void): Uint8Array {
    this.#document = Automerge.change(this.#document, { time: 0 }, (draft) => edit(draft as Draft))
    const change = Automerge.getLastLocalChange(this.#document)
    if (change === undefined) throw new Error('the edit changed nothing')
    return change
  }

  seal(change: Uint8Array, options: { mesh?: MeshId; signer?: Signer } = {}): Uint8Array {
    return sealEnvelope(options.mesh ?? mesh, this.thread, change, options.signer ?? this.signer)
  }

  /** An envelope for what is no change that could be sealed: its signature is zeros. */
  unsigned(change: Uint8Array): Uint8Array {
    return encodeCanonical({
      v: 1,
      mesh: Buffer.from(mesh, 'hex'),
      thread: threadIdBytes(this.thread),
      change,
      sig: new Uint8Array(64),
    })
  }

  /** Appends to its own first page, as an honest node does. */
  append(...texts: string[]): Uint8Array {
    return this.write((draft) => {
      const page = `${this.actor}/0`
      draft.log[page] ??= []
      draft.log[page]?.push(...texts.map(immutable))
    })
  }
}

export function immutable(text: string): Automerge.ImmutableString {
  return new Automerge.ImmutableString(text)
}
