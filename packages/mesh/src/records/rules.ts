import {
  equalBytes,
  MANIFEST_NAMESPACE,
  type MeshId,
  manifestKey,
  openSlot,
  type PeerId,
  type Period,
  ProtocolError,
  parsePeriod,
  SLOT_NAMESPACE,
  type Slot,
  slotKey,
} from '@bzzz/protocols'

/** What may stand in the DHT: slots of members' accounts in periods that somebody may still ask for, and the manifest. */
export interface RecordRules {
  /** @throws {ProtocolError} with the first rule that is broken */
  check(key: Uint8Array, value: Uint8Array): CheckedRecord
  /** `seq` or version of a record that passed {@link check} when it was stored; below all others if it does not any more. */
  numberOf(key: Uint8Array, value: Uint8Array): number
  readonly validators: Record<string, (key: Uint8Array, value: Uint8Array) => Promise<void>>
  readonly selectors: Record<string, (key: Uint8Array, values: Uint8Array[]) => number>
}

/** A record that keeps all rules. Of several under one key the one with the highest number counts. */
export interface CheckedRecord {
  readonly number: number
  /** Who signed it, and fills the others' disks with it. */
  readonly signer: PeerId | 'owner'
}

export interface RuleOptions {
  readonly mesh: MeshId
  readonly isMember: (peer: string) => boolean
  /** Version of what the mesh's owner signed. @throws {ProtocolError} Left out: no manifests are kept. */
  readonly manifestVersion?: ((bytes: Uint8Array) => number) | undefined
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Of a record that somebody handed over. Whoever hands on need not have made it, so nobody is named. */
  readonly onRefused: (code: string, reason: string) => void
  /** A genuine slot that somebody handed over, also an older one. */
  readonly onSlot?: ((bytes: Uint8Array) => void) | undefined
}

export function recordRules(options: RuleOptions): RecordRules {
  const { mesh, manifestVersion, now, onRefused, onSlot } = options

  function check(key: Uint8Array, value: Uint8Array): CheckedRecord {
    switch (namespaceOf(key)) {
      case SLOT_NAMESPACE:
        return checkSlot(key, value)
      case MANIFEST_NAMESPACE:
        return checkManifest(key, value)
      default:
        throw new ProtocolError('BAD_SHAPE', 'a record of an unknown kind')
    }
  }

  function checkSlot(key: Uint8Array, value: Uint8Array): CheckedRecord {
    const { seq: number, account, period } = slotUnder(key, openSlot(value, mesh))
    if (!options.isMember(account.peer)) throw new ProtocolError('NOT_A_MEMBER', `${account.peer} is not a member`)
    if (!isInReach(period, now())) throw new ProtocolError('BAD_SHAPE', `${period} is long over or far ahead`)
    return { number, signer: account.peer }
  }

  function slotUnder(key: Uint8Array, slot: Slot): Slot {
    if (equalBytes(slotKey(mesh, slot.period, slot.account), key)) return slot
    throw new ProtocolError('BAD_SHAPE', 'the record stands under a key that is not its own')
  }

  function checkManifest(key: Uint8Array, value: Uint8Array): CheckedRecord {
    if (manifestVersion === undefined || !equalBytes(manifestKey(mesh), key))
      throw new ProtocolError('WRONG_MESH', 'the manifest of another mesh')
    return { number: manifestVersion(value), signer: 'owner' }
  }

  function numberOf(key: Uint8Array, value: Uint8Array): number {
    try {
      return check(key, value).number
    } catch (error) {
      if (error instanceof ProtocolError) return -1
      throw error
    }
  }

  async function validate(key: Uint8Array, value: Uint8Array): Promise<void> {
    try {
      const { signer } = check(key, value)
      if (signer !== 'owner') onSlot?.(value)
    } catch (error) {
      if (error instanceof ProtocolError) onRefused(error.code, error.message)
      throw error
    }
  }

  const select = (key: Uint8Array, values: Uint8Array[]): number =>
    indexOfHighest(values.map((value) => numberOf(key, value)))
  return {
    check,
    numberOf,
    // kad-dht's own kind, of public keys, is of no use here: anybody could fill the disk with it
    validators: { [SLOT_NAMESPACE]: validate, [MANIFEST_NAMESPACE]: validate, pk: validate },
    selectors: { [SLOT_NAMESPACE]: select, [MANIFEST_NAMESPACE]: select },
  }
}

/** libp2p protocol id of this mesh's DHT. */
export function recordsProtocol(mesh: MeshId): string {
  return `/bzzz/${mesh.slice(0, 16)}/kad/1`
}

const DAY_MS = 86_400_000
// A day is told until the day after, and looked for a little longer; clocks that differ more are wrong.
const REACH_MS = { day: { over: 3 * DAY_MS, ahead: 2 * DAY_MS }, month: { over: 35 * DAY_MS, ahead: 2 * DAY_MS } }

/** Whether somebody may still ask for a period. Of a thread, always. */
function isInReach(period: Period, nowMs: number): boolean {
  const parsed = parsePeriod(period)
  if (parsed?.kind !== 'day' && parsed?.kind !== 'month') return parsed?.kind === 'thread'
  const startMs = Date.parse(parsed.kind === 'day' ? parsed.label : `${parsed.label}-01`)
  const lengthMs = parsed.kind === 'day' ? DAY_MS : 31 * DAY_MS
  const { over, ahead } = REACH_MS[parsed.kind]
  return startMs - ahead <= nowMs && nowMs <= startMs + lengthMs + over
}

function namespaceOf(key: Uint8Array): string | undefined {
  return Buffer.from(key).toString().split('/')[1]
}

function indexOfHighest(numbers: readonly number[]): number {
  return numbers.indexOf(Math.max(...numbers))
}
