import { openState } from '../src/open.ts'

/** A process of its own that holds the database in its first argument until it is told to close it. */
const state = await openState({ directory: process.argv[2] ?? '' })
process.once('message', () => void state.close().then(() => process.disconnect()))
process.send?.('open')
