import { uncertainAnswer } from '@bzzz/protocols'
import { type CommandContext, clientFor, type GlobalOptions, print } from './context.ts'
import { ago, dollars, plain, table } from './terminal.ts'

const DIGITS = 12

/** Each as the provider may know it, so that its bill can be found and told with `budget settle`. */
export async function showUncertain(context: CommandContext, options: GlobalOptions): Promise<void> {
  const client = await clientFor(context, options)
  const answer = await client.get('agents', '/api/budget/uncertain', uncertainAnswer)
  print(context, options, answer, () => {
    const { calls, held_usd, more, node_id } = answer
    if (calls.length === 0) return `no call of ${plain(node_id)} is uncertain`
    const header = ['call', 'reserved', 'agent', 'model', 'held', "the provider's id"]
    const rows = calls.map((call) => [
      call.call.slice(0, DIGITS),
      ago(call.reserved_at, context.now()),
      call.agent,
      call.simulated ? `${call.model} (play money)` : call.model,
      dollars(call.held_usd),
      call.provider_request_id ?? '-',
    ])
    return [
      `${calls.length}${more ? ' (and more)' : ''} calls of ${plain(node_id)} may have been billed; ${dollars(held_usd)} is held for them until somebody knows:`,
      table(context.terminal, header, rows),
      'settle them with "bzzz budget settle CALL --cost 0.0123", "--not-billed" or "--journal FILE"; --json shows their whole ids',
    ].join('\n')
  })
}
