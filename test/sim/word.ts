import type { OpenedManifest } from '@bzzz/protocols'
import type { EscrowProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import type { Owner } from './owner.ts'
import type { World } from './world.ts'

/** What a machine hears and tells of manifests. The membership's own room: it outlives the ledger here. */
export interface Word {
  readonly newest: OpenedManifest
  hear(next: OpenedManifest): void
  tellAck(): void
  passOn(to: number): void
  spread(): void
}

export interface WordTerms {
  readonly world: World
  readonly index: number
  readonly first: OpenedManifest
  readonly owner: Pick<Owner, 'hearAck'>
  readonly houses: readonly EscrowHouse[]
  readonly process: () => EscrowProcess | undefined
  readonly ended: (cause: unknown) => void
}

export function createWord({ world, index, first, owner, houses, process, ended }: WordTerms): Word {
  const { network } = world
  let newest = first

  function tellAck(): void {
    process()
      ?.acknowledge()
      .then((ack) => {
        if (ack === undefined) return
        if (index === 0) owner.hearAck(ack)
        else network.send(index, 0, () => houses[0]?.isUp === true && owner.hearAck(ack))
      }, ended)
  }

  function passOn(to: number): void {
    const told = newest
    if (process() !== undefined && to !== index) network.send(index, to, () => houses[to]?.hearManifest(told))
  }

  return {
    get newest() {
      return newest
    },
    hear(next) {
      if (next.manifest.version <= newest.manifest.version) return
      newest = next
      tellAck()
    },
    tellAck,
    passOn,
    spread() {
      for (const to of houses.keys()) passOn(to)
    },
  }
}
