import { decodeFrame, encodeFrame, type Frame, MAX_FRAME_BYTES, ProtocolError } from '@bzzz/protocols'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'

/** A libp2p stream as frames: each behind its length as an unsigned varint. */
export interface Frames {
  /** True while the other side does not take more: what can wait should. */
  readonly blocked: boolean
  /** When the last bytes came, also those of a frame that is still under way. Monotonic milliseconds. */
  readonly heardAt: number
  /** @throws {ProtocolError} for bytes that are no frame; else whatever ended the stream */
  read(options?: { signal?: AbortSignal }): Promise<Frame>
  /** Resolves once the stream takes more. Rejects when the stream ended. */
  write(frame: Frame, options?: { signal?: AbortSignal }): Promise<void>
}

// lpStream reads ahead without telling the sender to wait, so what is under way is bounded by asking: one page at a time,
// a few parts of blobs, and small frames. Beyond this the stream ends.
const MAX_UNREAD_BYTES = 8 * MAX_FRAME_BYTES
// Writers wait when the stream is full; this ends the stream of a peer that keeps asking and does not read.
const MAX_UNSENT_BYTES = 8 * MAX_FRAME_BYTES

export function framesOf(stream: Stream): Frames {
  stream.maxWriteBufferLength = MAX_UNSENT_BYTES
  let heardAt = performance.now()
  stream.addEventListener('message', () => {
    heardAt = performance.now()
  })
  const framed = lpStream(stream, { maxDataLength: MAX_FRAME_BYTES, maxBufferSize: MAX_UNREAD_BYTES })
  return {
    get blocked() {
      return stream.writableNeedsDrain
    },
    get heardAt() {
      return heardAt
    },
    async read(options) {
      try {
        return decodeFrame((await framed.read(options)).subarray())
      } catch (error) {
        throw asRefusal(error)
      }
    },
    write: (frame, options) => framed.write(encodeFrame(frame), options),
  }
}

const LENGTH_ERRORS = new Set(['InvalidMessageLengthError', 'InvalidDataLengthError', 'InvalidDataLengthLengthError'])

function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || !LENGTH_ERRORS.has(error.name)) return error
  return new ProtocolError('TOO_LARGE', `a frame of at most ${MAX_FRAME_BYTES} bytes: ${error.message}`, {
    cause: error,
  })
}
