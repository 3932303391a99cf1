import {
  archivedAnswer,
  conversationsAnswer,
  conversationView,
  type EntryView,
  type EventData,
  entryView,
  messagesAnswer,
  postedAnswer,
  tokensEvent,
} from '@bzzz/protocols'
import type { Command } from 'commander'
import { z } from 'zod'
import type { NodeClient } from './client.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { CliError, exitCodes } from './exit.ts'
import { createFollowedEntries } from './followed-entries.ts'
import { createLiveLines } from './live-lines.ts'
import { asOption, speakerOf } from './person.ts'
import { ago, bytesText, dollars, firstLine, plain, styled, type Terminal, table } from './terminal.ts'

/** Commands on threads: threads, thread show, post, follow, archive. */
export function addThreadCommands(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('threads'))
    .description('the conversations that this node holds, newest activity first')
    .option('--state <state>', 'active, approved, changes_requested or escalated')
    .option('--archived', 'those that were archived, which are not listed otherwise')
    .addHelpText('after', examples('bzzz threads', 'bzzz threads --state active --json', 'bzzz threads --archived'))
    .action(async (options: GlobalOptions & { state?: string; archived?: boolean }) => {
      const client = await clientFor(context, options)
      const state = options.archived === true ? 'archived' : options.state
      const query = state === undefined ? '' : `?${new URLSearchParams({ state })}`
      const answer = await client.get('agents', `/api/conversations${query}`, conversationsAnswer)
      print(context, options, answer, () =>
        table(
          context.terminal,
          ['thread', 'state', 'entries', 'on disk', 'last activity', 'topic'],
          answer.conversations.map((each) => [
            each.id,
            each.state,
            each.followed ? String(each.messages) : `${each.messages}, opening only`,
            bytesText(each.stored_bytes),
            ago(each.last_activity, context.now()),
            each.topic,
          ]),
        ),
      )
    })
  const thread = program.command('thread').description('one conversation')
  addShow(thread, context)
  addPost(thread, context)
  addFollow(thread, context)
  addArchive(thread, context)
}

function addShow(thread: Command, context: CommandContext): void {
  withGlobalOptions(thread.command('show <thread>'))
    .description('a thread with all its entries and its heads')
    .addHelpText('after', examples('bzzz thread show 01937c3e-…', 'bzzz thread show 01937c3e-… --json'))
    .action(async (id: string, options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const { messages, nodes } = await allMessages(client, id)
      const view = await client.get('agents', `/api/conversations/${encodeURIComponent(id)}`, conversationView)
      print(context, options, { ...view, entries: messages }, () =>
        [
          `${styled(context.terminal, 'bold', plain(view.topic))}  ${view.state}, ${messages.length} entries, ${dollars(view.cost_usd)}${view.simulated ? ' (simulated)' : ''}`,
          `${view.archived ? 'archived, ' : ''}${bytesText(view.stored_bytes)} on disk of ${bytesText(view.bytes)}`,
          `for laptops ${view.sync_url}`,
          ...(messages.some(({ verified }) => verified !== true)
            ? ['pending: signatures are being checked, ask again']
            : []),
          `heads ${view.heads.map((head) => head.slice(0, 12)).join(' ')}`,
          ...messages.flatMap((message) => [
            `${entryLine(context.terminal, message)}  ${onNodes(context.terminal, message, nodes)}`,
            ...wholeText(message),
          ]),
        ].join('\n'),
      )
    })
}

async function allMessages(client: NodeClient, id: string): Promise<{ messages: EntryView[]; nodes: number }> {
  const messages: EntryView[] = []
  let page = await readPage(client, id, '')
  messages.push(...page.messages)
  while (page.next !== null) {
    page = await readPage(client, id, `?after=${page.next}`)
    messages.push(...page.messages)
  }
  return { messages, nodes: page.nodes }
}

function readPage(client: NodeClient, id: string, query: string) {
  return client.get('agents', `/api/conversations/${encodeURIComponent(id)}/messages${query}`, messagesAnswer)
}

function addPost(thread: Command, context: CommandContext): void {
  withGlobalOptions(thread.command('post <thread> <text...>'))
    .description('add a message to a thread; it is on disk when the command ends')
    .addOption(asOption('who speaks', context))
    .addHelpText('after', examples('bzzz thread post 01937c3e-… "The token is a test fixture."'))
    .action(async (id: string, text: string[], options: GlobalOptions & { as: string }) => {
      const from = speakerOf(options)
      const client = await clientFor(context, options)
      const posted = await client.post(
        `/api/conversations/${encodeURIComponent(id)}/messages`,
        { content: text.join(' '), from },
        postedAnswer,
      )
      print(context, options, posted, () => `posted ${posted.id}`)
    })
}

function addArchive(thread: Command, context: CommandContext): void {
  withGlobalOptions(thread.command('archive <thread>'))
    .description('put a thread out of the way on every node, until somebody writes to it again; nothing is deleted')
    .addOption(asOption('who archives', context))
    .addHelpText('after', examples('bzzz thread archive 01937c3e-…'))
    .action(async (id: string, options: GlobalOptions & { as: string }) => {
      const from = speakerOf(options)
      const client = await clientFor(context, options)
      const path = `/api/conversations/${encodeURIComponent(id)}/archive`
      const answer = await client.post(path, { from }, archivedAnswer)
      print(context, options, answer, () => (answer.repeated ? 'it was archived already' : `archived ${answer.thread}`))
    })
}

function addFollow(thread: Command, context: CommandContext): void {
  withGlobalOptions(thread.command('follow <thread>'))
    .description('print the entries of a thread as they come; Ctrl-C ends it')
    .option('--tokens', 'with --json: also the text of model calls while they run, on any node ("type":"tokens")')
    .addHelpText(
      'after',
      examples('bzzz thread follow 01937c3e-…', 'bzzz thread follow 01937c3e-… --json   # one JSON object a line'),
    )
    .action(async (id: string, options: GlobalOptions & { tokens?: boolean }) => {
      const client = await clientFor(context, options)
      const { terminal } = context
      const json = options.json === true
      const live = createLiveLines(terminal)
      const show = (entry: EntryView) => {
        live.end(entry)
        live.out(json ? JSON.stringify(entry) : entryLine(terminal, entry))
      }
      const showTokens = (tokens: EventData<'tokens'>) =>
        json ? terminal.out(JSON.stringify({ type: 'tokens', ...tokens })) : live.show(tokens)
      const withTokens = json ? options.tokens === true : terminal.draw !== undefined
      const entries = createFollowedEntries({
        show,
        withdraw: (entry) =>
          live.out(json ? JSON.stringify({ type: 'withdrawn', entry }) : withdrawnLine(terminal, entry)),
      })
      const readAll = async () => entries.are((await allMessages(client, id)).messages)
      const query = `thread=${encodeURIComponent(id)}&tokens=${withTokens}`
      const stream = await client.events(`/api/events?${query}`, { signal: context.signal })
      await readAll()
      try {
        for await (const event of stream) {
          if (event.event === 'entry') entries.came(entryView.parse(JSON.parse(event.data)))
          if (event.event === 'reset') await readAll()
          if (event.event === 'tokens') showTokens(tokensEvent.parse(JSON.parse(event.data)))
          if (terminal.closed) return
        }
      } catch (error) {
        if (context.signal.aborted) return
        throw error
      } finally {
        live.clear()
      }
      throw new CliError(
        exitCodes.unavailable,
        'STREAM_ENDED',
        'the node closed the stream: it stopped, or the reader was too slow',
      )
    })
}

/** Its author signed two changes with one number, and it was in the one that does not stand, or followed it. */
function withdrawnLine(terminal: Terminal, entry: EntryView): string {
  return `${styled(terminal, 'dim', 'no longer in the thread:')} ${entryLine(terminal, entry)}`
}

/** How far an entry got; the names when it is not yet everywhere. */
function onNodes(terminal: Terminal, { on_nodes, verified }: EntryView, nodes: number): string {
  if (verified !== true) return styled(terminal, 'dim', 'pending: signature not checked yet')
  const names = on_nodes.length < nodes ? ` (${on_nodes.map(plain).join(', ')})` : ''
  return styled(terminal, 'dim', `on ${on_nodes.length} of ${nodes} machines${names}`)
}

/** One line for people: time, who on which node, and the gist. */
export function entryLine(terminal: Terminal, entry: EntryView): string {
  const who = entry.author.slice(0, entry.author.lastIndexOf('@'))
  const name = entry.laptop ? `${who} via laptop of ${entry.node}` : `${who}@${entry.node}`
  const room = Math.max(40, terminal.width - 8 - name.length - entry.type.length - 4)
  const text = plain(gistOf(entry))
  const short = text.length > room ? `${text.slice(0, room - 1)}…` : text
  return `${entry.ts.slice(11, 19)} ${styled(terminal, 'cyan', plain(name))} ${plain(entry.type)}: ${short}`
}

/** All that an entry says, indented below its line. */
function wholeText(entry: EntryView): string[] {
  const { findings = [] } = figures.parse(entry.entry)
  const places = findings.map(({ severity, file, line, message }) => `${severity} ${file}:${line} ${message}`)
  return [...places, ...entry.content.split('\n')].map((text) => `    ${plain(text)}`)
}

/** The parts of an entry that are told in figures rather than words; anything else is told by its first line. */
const figures = z.looseObject({
  findings: z
    .array(
      z.looseObject({
        severity: z.string(),
        verified: z.boolean(),
        file: z.string(),
        line: z.number(),
        message: z.string(),
      }),
    )
    .optional(),
  outcome: z.string().optional(),
  blocking: z.array(z.string()).optional(),
  blockers: z.array(z.string()).optional(),
  choice: z.string().optional(),
  round: z.number().optional(),
})

function gistOf(entry: EntryView): string {
  const { findings, outcome, blocking, blockers = [], choice, round } = figures.parse(entry.entry)
  const rules = entry.simulated ? ' (rules, no language model)' : ''
  if (entry.type === 'finding' && findings !== undefined) return `${countedFindings(findings)}${rules}`
  if (entry.type === 'proposal' && outcome !== undefined) {
    return `round ${round}: ${outcome.replace('_', ' ')}, ${blocking?.length ?? 0} to be mended first${rules}`
  }
  if (entry.type === 'vote' && choice !== undefined) {
    return `round ${round}: ${choice}${blockers.length === 0 ? '' : `, stands on ${blockers.length} findings`}${rules}`
  }
  if (entry.type === 'archive' && entry.content === '') return 'out of the way until somebody writes again'
  return firstLine(entry.content)
}

function countedFindings(findings: readonly { severity: string; verified: boolean }[]): string {
  const verified = findings.filter((finding) => finding.verified)
  const severities = [...new Set(verified.map(({ severity }) => severity))]
  const counts = severities.map(
    (severity) => `${verified.filter((finding) => finding.severity === severity).length} ${severity}`,
  )
  const unverified = findings.length - verified.length
  if (findings.length === 0) return 'nothing found'
  return `${counts.join(', ')}${unverified === 0 ? '' : `${counts.length === 0 ? '' : ', '}${unverified} without evidence`}`
}
