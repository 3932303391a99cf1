/** Tests make them small; a deployment has no reason to. */
export interface MeshTimings {
  /** Between pings on a link; after two without any frame back the peer counts as gone: at most three of these. */
  readonly pingMs: number
  /** Until both hellos of a secured connection are exchanged: patient, since on a busy machine giving up is lost work. */
  readonly helloMs: number
  /** Until one address has answered with a secured connection. */
  readonly dialMs: number
  /** How long the higher peer id leaves dialling to the lower one. */
  readonly graceMs: number
  /** Wait before the first redial; doubles up to `redialMostMs`. */
  readonly redialFirstMs: number
  readonly redialMostMs: number
  /** Between digests to each peer. */
  readonly repairMs: number
  /** Until a question on a link (missing envelopes, a part of a blob) is answered. */
  readonly answerMs: number
  /** How long one peer is waited for before the next is asked for a thread as well. */
  readonly fetchMs: number
  /** Between cards when nothing changed. */
  readonly cardMs: number
  /** A card counts as live for so long after it came; more than two cards may be lost. */
  readonly cardLeaseMs: number
  /** For one DHT put or get. */
  readonly recordMs: number
  /** Between two puts of the newest manifest at least, and before the first. */
  readonly manifestMs: number
  /** kad-dht does not publish records again by itself, and a node that was cut off has to look for what it missed. */
  readonly republishMs: number
  /** A former member is handed the manifest once in so long, when it dials. */
  readonly formerMs: number
  /** Between looks at the list of members. */
  readonly membersMs: number
  /** So long for one fault of a peer to be forgiven; 0 forgives all of them. */
  readonly forgiveMs: number
  /** How long a peer is shunned the first time; each time again twice as long, up to `shunMostMs`. */
  readonly shunFirstMs: number
  readonly shunMostMs: number
}

export const DEFAULT_TIMINGS: MeshTimings = {
  pingMs: 4_000,
  helloMs: 15_000,
  dialMs: 5_000,
  graceMs: 2_000,
  redialFirstMs: 250,
  redialMostMs: 5_000,
  repairMs: 5_000,
  answerMs: 15_000,
  fetchMs: 1_000,
  cardMs: 4_000,
  cardLeaseMs: 15_000,
  recordMs: 5_000,
  manifestMs: 2_000,
  republishMs: 3_600_000,
  formerMs: 60_000,
  membersMs: 1_000,
  forgiveMs: 10_000,
  shunFirstMs: 30_000,
  shunMostMs: 600_000,
}
