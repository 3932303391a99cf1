import { createInterface } from 'node:readline'
import * as Automerge from '@automerge/automerge'
import { type AutomergeUrl, type DocHandle, Repo, type RepoConfig } from '@automerge/automerge-repo'
import { WebSocketClientAdapter } from '@automerge/automerge-repo-network-websocket'
import { appendEntry, type Sponsor } from '@bzzz/threads/laptop'

/*
 * A laptop's program: an unmodified automerge-repo with its websocket client, and the documented way to append. It is told what
 * to do in JSON, a line each, and tells what it sees in the same way.
 */

type Thread = { log: Record<string, Automerge.ImmutableString[]> }
export type Command =
  | { readonly do: 'open'; readonly url: string }
  | { readonly do: 'append'; readonly entry: Record<string, unknown> }
  /** Past `appendEntry`: what a program does that does not know it. */
  | { readonly do: 'scribble'; readonly text: string }
  /** Into the first page of somebody else. */
  | { readonly do: 'trespass'; readonly text: string }
  | { readonly do: 'disconnect' | 'connect' }
  /** Begins anew from what the node sent with a refusal. */
  | { readonly do: 'renew' }
export type Told =
  | { readonly told: 'ready' | 'done' | 'unavailable' }
  | { readonly told: 'entries'; readonly contents: string[] }
  | {
      readonly told: 'notice'
      readonly type: string
      readonly code: string
      readonly reason: string
      readonly texts: string[]
    }
  | { readonly told: 'disconnected' | 'acknowledged' }

const [server = '', sponsorText = '{}'] = process.argv.slice(2)
const sponsor = JSON.parse(sponsorText) as Sponsor
const RETRY_MS = 200

interface Notice {
  readonly type: string
  readonly code: string
  readonly reason: string
  readonly texts?: string[]
  readonly document?: Uint8Array
}

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`)
}

let adapter = new WebSocketClientAdapter(server, RETRY_MS)
const repo = new Repo({ network: [adapter as unknown as NonNullable<RepoConfig['network']>[number]] })
repo.networkSubsystem.on('peer-disconnected', () => tell({ told: 'disconnected' }))
// Its sync messages are the node's acknowledgement: their heads are on its disk.
repo.networkSubsystem.on('message', (message) => {
  if (message.type !== 'sync' || handle === undefined) return
  const { heads } = Automerge.decodeSyncMessage(message.data)
  if (Automerge.getHeads(handle.doc()).every((head) => heads.includes(head))) tell({ told: 'acknowledged' })
})
let handle: DocHandle<Thread> | undefined
let fresh: Uint8Array | undefined

function contents(document: Thread): string[] {
  const texts = Object.values(document.log).flat().map(String)
  return texts.filter((text) => text.startsWith('{')).map((text) => (JSON.parse(text) as { content: string }).content)
}

function watch(opened: DocHandle<Thread>): void {
  handle = opened
  const show = () => tell({ told: 'entries', contents: contents(opened.doc()) })
  opened.on('change', show)
  opened.on('ephemeral-message', ({ message }) => {
    const { type, code, reason, texts = [], document } = message as Notice
    fresh = document
    tell({ told: 'notice', type, code, reason, texts })
  })
  show()
}

function opened(): DocHandle<Thread> {
  if (handle === undefined) throw new Error('nothing is open')
  return handle
}

async function obey(command: Command): Promise<void> {
  switch (command.do) {
    case 'open':
      try {
        watch(await repo.find<Thread>(command.url as AutomergeUrl))
      } catch {
        tell({ told: 'unavailable' })
      }
      return
    case 'append':
      appendEntry(opened(), command.entry, sponsor)
      return
    case 'scribble':
      opened().change((draft) => {
        draft.log['a page of my own'] = [new Automerge.ImmutableString(command.text)]
      })
      return
    case 'trespass': {
      const actor = sponsor.key + '11'.repeat(16)
      opened().update((document) => Automerge.clone(document, { actor }))
      opened().change((draft) => {
        Object.values(draft.log)[0]?.push(new Automerge.ImmutableString(command.text))
      })
      return
    }
    case 'disconnect':
      repo.networkSubsystem.removeNetworkAdapter(adapter as never)
      return
    case 'connect':
      adapter = new WebSocketClientAdapter(server, RETRY_MS)
      repo.networkSubsystem.addNetworkAdapter(adapter as never)
      return
    case 'renew': {
      if (fresh === undefined) throw new Error('there was no refusal')
      const { documentId } = opened()
      repo.delete(documentId)
      watch(repo.import<Thread>(fresh, { docId: documentId }))
    }
  }
}

tell({ told: 'ready' })
for await (const line of createInterface({ input: process.stdin })) {
  await obey(JSON.parse(line) as Command)
  tell({ told: 'done' })
}
process.exit()
