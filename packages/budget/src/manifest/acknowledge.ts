import {
  type Account,
  type Ack,
  type Dimension,
  MAX_OPENED_PERIODS,
  type Manifest,
  type MeshId,
  type OpenedManifest,
  type Period,
  parsePeriod,
  type Signer,
  sealAck,
} from '@bzzz/protocols'
import { type Books, stopOf } from '../books/books.ts'
import type { Standing } from '../ledger/standing.ts'
import { DAY_MS, endOf, periodAfter, periodAt } from '../periods/charged.ts'
import type { Decision, Task } from '../writer.ts'

/** By which version of the manifest an account opens its periods. */
export interface ManifestRules {
  /** @param acknowledged the newest that the owner may know of @param newest that this node has taken */
  opensBy(acknowledged: Manifest, newest: Manifest): Manifest
}

export const MANIFEST_RULES: ManifestRules = { opensBy: (acknowledged) => acknowledged }

export interface AcknowledgeContext {
  readonly mesh: MeshId
  readonly account: Account
  readonly signer: Signer
  readonly standing: Standing
  readonly manifest: () => OpenedManifest
  readonly contested: () => boolean
}

/**
 * Notes that periods are opened by the newest manifest from now on, unless they are already. The ack tells the owner with
 * what every period was opened that some clock of the mesh may still be in: the queue that writes it also opens periods, and
 * it is the last thing of its page, so none is opened by an older version after it.
 */
export function acknowledgeTask(context: AcknowledgeContext): Task<void> {
  const { mesh, account, signer, standing } = context
  return {
    endsPage: true,
    needs: (nowMs) => ({ calls: [], periods: labelsToLookAt(standing, nowMs) ?? [], costs: [] }),
    decide(books, nowMs): Decision<void> {
      const { manifest, hash, bytes } = context.manifest()
      const isNews = manifest.version > (books.acked?.version ?? 0) && !context.contested()
      const opened = labelsToLookAt(standing, nowMs) && stillRunning(books, nowMs)
      const isUsable = stopOf(books, account) === undefined && opened !== undefined
      if (!isNews || !isUsable || opened.length > MAX_OPENED_PERIODS) return { events: [], answer: nothing }
      const { version } = manifest
      const ack = sealAck(
        { v: 1, account, version, manifest: Uint8Array.from(hash), seq: books.signedSeq + 1, opened },
        mesh,
        signer,
      )
      const kept = { manifest: Uint8Array.from(bytes), ack: Uint8Array.from(ack) }
      return { events: [{ kind: 'acked', version, ...kept }], answer: nothing }
    },
  }
}

/** A version without rights: what an account goes by that has acknowledged none. */
export function withoutRights(manifest: Manifest): Manifest {
  return { ...manifest, version: 0, allotments: [], mints: [] }
}

/** Days and months that some clock of the mesh may still be in, with room to spare: clocks differ by an hour at most. */
function isOver(period: Period, nowMs: number): boolean {
  return endOf(period) <= nowMs - DAY_MS
}

/** @returns what is to be told of periods that were opened @param books with all of them */
export function stillRunning({ balances }: Pick<Books, 'balances'>, nowMs: number): Ack['opened'] {
  const calendar = [...balances.values()].filter(({ period }) => {
    return ['day', 'month'].includes(parsePeriod(period)?.kind ?? '') && !isOver(period, nowMs)
  })
  return calendar.map(({ period, initial }) => ({ period, initial })).sort((a, b) => (a.period < b.period ? -1 : 1))
}

// More than a year of days: an account that opened one so far ahead had a wrong clock, and acknowledges nothing until it is over.
const MAX_LABELS = 400

/** Those that may have been opened; undefined when there are too many to look at. */
function labelsToLookAt({ lastOpened }: Standing, nowMs: number): Period[] | undefined {
  const days = labelsUpTo('day', lastOpened.day, nowMs)
  const months = labelsUpTo('month', lastOpened.month, nowMs)
  return days && months && [...days, ...months]
}

function labelsUpTo(dimension: Dimension, last: Period | undefined, nowMs: number): Period[] | undefined {
  if (last === undefined) return []
  const labels: Period[] = []
  for (let label = periodAt(dimension, nowMs - DAY_MS); label <= last; label = periodAfter(label)) {
    if (labels.length >= MAX_LABELS) return undefined
    labels.push(label)
  }
  return labels
}

function nothing(): void {}
