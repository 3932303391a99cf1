/** Of a posted text, and of a raw message. */
export const POST_BYTES = 1_024

/** One of the measured processes, as the others find it. */
export interface Member {
  readonly seed: Uint8Array
  readonly address: string
  readonly rawAddresses: readonly string[]
}
