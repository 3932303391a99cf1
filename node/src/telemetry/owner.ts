import { usdOf } from '@bzzz/protocols'
import type { OfficeFact } from '../budget/office.ts'
import { dispatch, type Instruments } from './instruments.ts'

/** Log lines of what accounts confirm, and of rights that move by the owner's word. */
export function observeOffice({ log, warnRarely }: Instruments): (fact: OfficeFact) => void {
  return dispatch<OfficeFact>({
    'ack-kept': ({ account, version }) => log.debug({ peer: account.peer, version }, 'a node confirmed a manifest'),
    'ack-not-made': ({ error }) =>
      warnRarely('ack', { err: error }, 'the newest manifest was not confirmed: rights stay as they were'),
    'advance-failed': ({ error }) =>
      warnRarely('advance', { err: error }, 'rights were not moved towards what the manifest says'),
    'rights-advanced': ({ version }) => log.info({ version }, 'rights move, since nodes confirmed what they gave up'),
    'welcome-failed': ({ error }) => warnRarely('welcome', { err: error }, 'a new node was given nothing'),
    welcomed: ({ gifts }) =>
      log.info(
        { gifts: gifts.map(({ to, period, amount }) => ({ to, period, amount_usd: usdOf(amount) })) },
        'a new node was given its part of what is left',
      ),
  })
}
