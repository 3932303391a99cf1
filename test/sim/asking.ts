import type { Answer, GrantRequest } from '@bzzz/budget'
import type { Account } from '@bzzz/protocols'
import type { EscrowProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import type { World } from './world.ts'

export interface Asking {
  readonly world: World
  readonly index: number
  readonly houses: readonly EscrowHouse[]
  readonly asker: EscrowProcess
  /** Of an answer that nobody waits for any more: what was granted is credited all the same. */
  readonly take: (grants: readonly Uint8Array[]) => void
  readonly ended: (cause: unknown) => void
}

const ASK_MS = 4_000

/** One request for rights, and its answer, if one comes in time. */
export function askFor(asking: Asking, donor: Account, request: GrantRequest): Promise<Answer | undefined> {
  const { world, index, houses, asker, take, ended } = asking
  const { network, figures } = world
  const donors = [...houses.keys()].filter((at) => houses[at]?.process?.budget.account.peer === donor.peer)
  const near = donors.filter((at) => network.reaches(index, at))
  // A key that two machines have is answered by either.
  const to = (donors.length > 1 ? near[figures.messages % near.length] : donors[0]) ?? -1
  const other = houses[to]
  figures.messages += 1
  return new Promise((resolve) => {
    let isOver = false
    const arrived = (answer: Answer): void => {
      if (!isOver && asker.isAlive) resolve(answer)
      // Too late, or twice.
      else if (answer.granting.status === 'granted') take(answer.granting.grants)
      isOver = true
    }
    network.send(index, to, () => {
      const asked = other?.process?.asked(request)
      asked?.then((answer) => {
        figures.messages += 1
        network.send(to, index, () => arrived(answer))
      }, ended)
    })
    asker.after(ASK_MS, () => {
      isOver = true
      resolve(undefined)
    })
  })
}
