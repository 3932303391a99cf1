import { equalBytes, type MeshId, openSlot, ProtocolError, SLOT_NAMESPACE, type Slot, slotKey } from '@bzzz/protocols'

/** What may stand in the DHT: the slots of members' accounts, each under its own key, the newest winning. */
export interface RecordRules {
  /** @throws {ProtocolError} with the first rule that is broken */
  check(key: Uint8Array, value: Uint8Array): Slot
  /** Of a record that passed {@link check} when it was stored; below all others if it does not pass any more. */
  seqOf(value: Uint8Array): number
  readonly validators: Record<string, (key: Uint8Array, value: Uint8Array) => Promise<void>>
  readonly selectors: Record<string, (key: Uint8Array, values: Uint8Array[]) => number>
}

export function recordRules(mesh: MeshId, isMember: (peer: string) => boolean): RecordRules {
  function check(key: Uint8Array, value: Uint8Array): Slot {
    const slot = openSlot(value, mesh)
    if (!isMember(slot.account.peer)) throw new ProtocolError('NOT_A_MEMBER', `${slot.account.peer} is not a member`)
    if (!equalBytes(slotKey(mesh, slot.period, slot.account), key)) {
      throw new ProtocolError('BAD_SHAPE', 'the record stands under a key that is not its own')
    }
    return slot
  }

  function seqOf(value: Uint8Array): number {
    try {
      return openSlot(value, mesh).seq
    } catch (error) {
      if (error instanceof ProtocolError) return -1
      throw error
    }
  }

  return {
    check,
    seqOf,
    validators: { [SLOT_NAMESPACE]: async (key, value) => void check(key, value) },
    selectors: { [SLOT_NAMESPACE]: (_key, values) => indexOfHighest(values.map(seqOf)) },
  }
}

/** libp2p protocol id of this mesh's DHT. */
export function recordsProtocol(mesh: MeshId): string {
  return `/bzzz/${mesh.slice(0, 16)}/kad/1`
}

function indexOfHighest(numbers: readonly number[]): number {
  return numbers.indexOf(Math.max(...numbers))
}
