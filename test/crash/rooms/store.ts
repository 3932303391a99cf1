import * as store from '@bzzz/store'
import { pass, tellingTest } from '../pass.ts'

export * from '@bzzz/store'

export async function openState(options: store.StateOptions): Promise<store.StateDatabase> {
  const state = await store.openState(options)
  const room = state.room.bind(state)
  return Object.assign(state, {
    room: (name: string) => withPoints(room(name)),
    close: tellingTest('state', state.close.bind(state)),
  })
}

function withPoints(room: store.Room): store.Room {
  return {
    ...room,
    async write(operations) {
      pass('write:before')
      const written = room.write(operations)
      pass('write:during')
      await written
      pass('write:after')
    },
  }
}
