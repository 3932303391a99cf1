import { decode, encode } from 'cborg'
import { z } from 'zod'

/**
 * Frames of automerge-repo's websocket protocol, version 1 (its network-websocket package, 2.5): CBOR maps. The client sends
 * `join` and is answered `peer`; then both send what their repos have to say of one document each.
 */
export type ClientFrame =
  | { readonly type: 'join'; readonly senderId: string; readonly isSupported: boolean }
  /** `request`: the sender has nothing of the document yet. */
  | { readonly type: 'sync' | 'request'; readonly documentId: string; readonly data: Uint8Array }
  | { readonly type: 'leave' }
  /** What a client may say and nobody here listens to, such as presence. */
  | { readonly type: 'other' }

export type NodeFrame =
  | {
      readonly type: 'peer'
      readonly peerMetadata: { readonly isEphemeral: true }
      readonly selectedProtocolVersion: '1'
    }
  | { readonly type: 'error'; readonly message: string }
  | { readonly type: 'sync'; readonly documentId: string; readonly data: Uint8Array }
  | { readonly type: 'doc-unavailable'; readonly documentId: string }
  | {
      readonly type: 'ephemeral'
      readonly documentId: string
      readonly sessionId: string
      readonly count: number
      readonly data: Uint8Array
    }

const name = z.string().min(1).max(256)
const typed = z.object({ type: z.string().max(64) })
const join = z.object({ senderId: name, supportedProtocolVersions: z.array(z.string().max(64)).max(64).optional() })
const about = z.object({ documentId: name, data: z.instanceof(Uint8Array) })

/** @returns undefined for what is no such frame */
export function readFrame(bytes: Uint8Array): ClientFrame | undefined {
  const value = decoded(bytes)
  const type = typed.safeParse(value).data?.type
  switch (type) {
    case undefined:
      return undefined
    case 'join': {
      const frame = join.safeParse(value).data
      if (frame === undefined) return undefined
      const { senderId, supportedProtocolVersions: versions } = frame
      return { type, senderId, isSupported: versions === undefined || versions.includes('1') }
    }
    case 'sync':
    case 'request': {
      const frame = about.safeParse(value).data
      return frame === undefined ? undefined : { type, documentId: frame.documentId, data: Uint8Array.from(frame.data) }
    }
    default:
      return { type: type === 'leave' ? type : 'other' }
  }
}

/** Long forms and `undefined` are let in: the client's encoder writes them. */
function decoded(bytes: Uint8Array): unknown {
  if (!hasFewItems(bytes)) return undefined
  try {
    return decode(bytes, { allowIndefinite: false, rejectDuplicateMapKeys: true })
  } catch {
    return undefined // not CBOR, or nested so deeply that the stack ends
  }
}

/** Small items take a hundred times their bytes once they are decoded. What is no CBOR is left to the decoder. */
function hasFewItems(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  for (let items = 0; at < bytes.length; items++) {
    if (items >= MAX_ITEMS) return false
    const [major, info] = [view.getUint8(at) >> 5, view.getUint8(at) & 0x1f]
    const width = info < 24 ? 0 : (WIDTHS[info - 24] ?? 0)
    if (at + 1 + width > bytes.length) return true
    const isString = major === 2 || major === 3
    at += 1 + width + (isString ? lengthAt(view, at + 1, info) : 0)
  }
  return true
}

function lengthAt(view: DataView, at: number, info: number): number {
  switch (info) {
    case 24:
      return view.getUint8(at)
    case 25:
      return view.getUint16(at)
    case 26:
      return view.getUint32(at)
    case 27:
      return Number(view.getBigUint64(at))
    default:
      return info
  }
}

// A frame has some ten; metadata and ephemeral messages are a client's own.
const MAX_ITEMS = 10_000
/** RFC 8949 §3: bytes of an argument that is not in the first byte, from 24 on. */
const WIDTHS = [1, 2, 4, 8]

export function writeFrame(from: string, to: string, frame: NodeFrame): Uint8Array {
  return encode({ ...frame, senderId: from, targetId: to })
}

export function encodeNotice(notice: Notice): Uint8Array {
  return encode(notice)
}

/** What the program on the laptop is told of a document, as an ephemeral message. */
export type Notice =
  | {
      readonly type: 'refused'
      readonly code: string
      readonly reason: string
      /** What was written in the edits that were refused. */
      readonly texts: readonly string[]
      /** The document as the node has it, to begin anew from; null if it is too large for a frame. */
      readonly document: Uint8Array | null
    }
  | { readonly type: 'waiting'; readonly code: 'CAUSES_MISSING'; readonly reason: string }
