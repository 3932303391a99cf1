import * as Automerge from '@automerge/automerge'
import { placeOf, type ThreadDocument } from '../src/document.ts'

type Draft = { -readonly [K in keyof ThreadDocument]: ThreadDocument[K] }

/** What Automerge itself makes of an append to the actor's page, behind its first `count` entries. */
export function appendTexts(
  document: ThreadDocument,
  count: number,
  texts: readonly string[],
): { document: ThreadDocument; change: Uint8Array } {
  const { page, index } = placeOf(Automerge.getActorId(document), count)
  const next = Automerge.change(document, { time: 0 }, (draft: Draft) => {
    if (index === 0) draft.log[page] = []
    draft.log[page]?.push(...texts.map((text) => new Automerge.ImmutableString(text)))
  })
  const change = Automerge.getLastLocalChange(next)
  if (change === undefined) throw new Error('automerge made no change')
  return { document: next, change }
}
