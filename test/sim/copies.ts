import { accountKey } from '@bzzz/protocols'
import { createEscrowHouse } from './escrow-house.ts'
import type { EscrowHouse } from './home.ts'
import type { HouseTerms } from './house-terms.ts'
import type { Fault } from './plan.ts'
import { watchPutBack, watchTwins } from './watch.ts'

export type CopyFault = Extract<Fault, { kind: 'twin' | 'put-back' }>
type Shared = Omit<HouseTerms, 'index' | 'peer' | 'clockMs' | 'disk'>

/** Later, while there is nothing that could be copied. */
export function copyHouse(shared: Shared, fault: Extract<Fault, { kind: 'twin' }>): void {
  const { world } = shared
  const { clockwork, network, doubles, oracle } = world
  const houses = shared.houses as EscrowHouse[]
  const image = houses[fault.node]?.image()
  if (image === undefined) {
    clockwork.after(60_000, () => copyHouse(shared, fault))
    return
  }
  const { account, newest: first, unspent, disk, mark } = image
  const index = houses.length
  world.trace(
    () => `node ${fault.node} is copied: node ${index} is nobody's until ${new Date(fault.meetsMs).toISOString()}`,
  )
  doubles.begin(account, unspent, 'two-machines')
  doubles.part(account)
  oracle.excuse(accountKey(account))
  const heal = network.cut((from, to) => from === index || to === index)
  houses.push(createEscrowHouse({ ...shared, first, index, peer: fault.node, clockMs: fault.clockMs, disk, mark }))
  houses[index]?.start()
  clockwork.at(fault.meetsMs, () => {
    world.trace(() => `node ${index} is linked`)
    heal()
    for (const to of houses.keys()) houses[index]?.greet(to)
    for (const from of houses) from.greet(index)
  })
  watchTwins(world, houses, [fault.node, index], account)
}

/** Disk and mark as they were once: nothing on the machine tells. */
export function putBackHouse(shared: Shared, fault: Extract<Fault, { kind: 'put-back' }>): void {
  const { world, houses } = shared
  const { clockwork, doubles, oracle } = world
  const image = houses[fault.node]?.image()
  if (image === undefined) {
    clockwork.after(60_000, () => putBackHouse(shared, fault))
    return
  }
  const { account } = image
  doubles.begin(account, image.unspent, 'one-machine')
  clockwork.at(fault.backMs, () => {
    doubles.part(account)
    oracle.excuse(accountKey(account))
    houses[fault.node]?.putBack(image, fault.downMs)
    watchPutBack(world, houses, fault.node, image)
  })
}
