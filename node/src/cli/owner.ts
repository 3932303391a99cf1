import { type ManifestChanged, manifestChanged, manifestView } from '@bzzz/protocols'
import type { Command } from 'commander'
import { confirm } from './confirm.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { adoptLines, limitLines, settled } from './manifest-words.ts'
import { plain, table } from './terminal.ts'

/** The owner's key, and what it has signed. */
export function addOwnerCommands(program: Command, context: CommandContext): void {
  const owner = program
    .command('owner')
    .description("the mesh owner's key: what it has signed, and what to do when it was lost or copied")
  addShow(owner, context)
  addRestore(owner, context)
  addHeal(owner, context)
}

function addShow(owner: Command, context: CommandContext): void {
  withGlobalOptions(owner.command('show'))
    .description('the manifest in force, who has confirmed it, and whether the key is here')
    .addHelpText('after', examples('bzzz owner show', 'bzzz owner show --json'))
    .action(async (options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const standing = await client.get('agents', '/api/manifest', manifestView)
      print(context, options, standing, () =>
        [
          `version ${standing.version} of the manifest${standing.contested ? ', which contradicts another with its number: see "bzzz owner heal"' : ''}; the owner key is ${standing.owner_key}`,
          table(
            context.terminal,
            ['node', 'confirmed', 'state'],
            standing.nodes.map(({ node_id, confirmed, online }) => [
              node_id,
              confirmed === 0 ? 'not known here' : `version ${confirmed}`,
              online ? 'online' : 'away',
            ]),
          ),
          ...limitLines(standing),
          ...adoptLines(standing.adopt_due),
        ].join('\n'),
      )
    })
}

const collect = (value: string, before: readonly string[] = []) => [...before, value]

function addRestore(owner: Command, context: CommandContext): void {
  withGlobalOptions(owner.command('restore'))
    .description('go on with a key that came back from a backup, or moved to another machine')
    .option('--gone <node>', 'a node whose ledger is gone for good; repeat it', collect)
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nOn a running node that was given the key (BZZZ_OWNER_KEY_FILE, or owner.key in its data directory) and is connected to the others.
Nothing else is signed until every node has confirmed the new version or is named with --gone, and no running day or month gets more.\n${examples(
        'bzzz owner restore --gone walnut',
      )}`,
    )
    .action(async (options: GlobalOptions & { yes?: boolean; gone?: readonly string[] }) => {
      const client = await clientFor(context, options)
      const { nodes } = await client.get('agents', '/api/manifest', manifestView)
      const gone = options.gone ?? []
      const names = nodes.map(({ node_id }) => plain(node_id)).filter((name) => !gone.includes(name))
      await confirm(context, options, [
        `These are all the nodes of the mesh, as far as this one knows: ${names.join(', ')}.`,
        `Gone for good, with every copy: ${gone.map(plain).join(', ') || 'none'}.`,
        'If there is another node, or the key is in use elsewhere, money may be given out twice.',
      ])
      await finish(client, await client.post('/api/manifest/restore', { gone }, manifestChanged), context, options)
    })
}

function addHeal(owner: Command, context: CommandContext): void {
  withGlobalOptions(owner.command('heal'))
    .description('one version in place of two that the key signed under one number, in two places')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nUntil then no node follows either. Keep the key in one place from then on.\n${examples('bzzz owner heal')}`,
    )
    .action(async (options: GlobalOptions & { yes?: boolean }) => {
      const client = await clientFor(context, options)
      await confirm(context, options, ['From now on, only this node signs with the owner key.'])
      await finish(client, await client.post('/api/manifest/heal', {}, manifestChanged), context, options)
    })
}

async function finish(
  client: Parameters<typeof settled>[0],
  changed: ManifestChanged,
  context: CommandContext,
  options: GlobalOptions,
): Promise<void> {
  const standing = await settled(client, changed, context.signal)
  const missing = standing.nodes
    .filter(({ confirmed }) => confirmed < changed.version)
    .map(({ node_id }) => plain(node_id))
  print(context, options, { ...standing, status: changed.status }, () =>
    [
      `version ${changed.version} of the manifest is signed${missing.length === 0 ? ' and confirmed by all' : `; not yet confirmed by ${missing.join(', ')}`}`,
      ...limitLines(standing),
    ].join('\n'),
  )
}
