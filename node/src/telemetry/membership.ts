import { Gauge } from 'prom-client'
import type { MembershipFact } from '../membership/membership.ts'
import { dispatch, type Instruments } from './instruments.ts'

/** Log lines of the manifest in force, and its number. */
export function observeMembership({ registry, log }: Instruments): (fact: MembershipFact) => void {
  const version = new Gauge({
    name: 'bzzz_manifest_version',
    help: 'Version of the manifest that came into force last in this run; 0: none since the start.',
    registers: [registry],
  })
  return dispatch<MembershipFact>({
    'manifest-adopted'({ version: number, members, from }) {
      version.set(number)
      log.info({ version: number, members, from }, 'a newer manifest is in force')
    },
    'manifest-forked': ({ version: number, from }) =>
      log.warn(
        { version: number, from },
        'the owner key signed two manifests with one number: it is in use in two places; this node keeps the one it has',
      ),
  })
}
