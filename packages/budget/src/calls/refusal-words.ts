import type { Account, NanoUsd, Period } from '@bzzz/protocols'
import { endOf, isAhead } from '../periods/charged.ts'
import { limitOf } from '../periods/rights.ts'
import { formatUsd } from '../usd.ts'
import type { Refusal, RefusedBy, ReserveRequest } from './reservation.ts'
import type { Terms } from './terms.ts'

/** Sentences for people: what was needed, what there was, and what to do. */
export function tooLittleWords(
  refusal: Pick<Refusal, 'by' | 'needed' | 'limit' | 'spent' | 'held' | 'available'> & {
    period: Period
    /** For calls that wait longer. */
    kept: NanoUsd
  },
  { agent, model }: ReserveRequest,
  { manifest, clock }: Pick<Terms, 'manifest' | 'clock'>,
): string {
  const { by, period, needed, limit, spent, held, available, kept } = refusal
  const waited = kept > 0n ? `, and ${formatUsd(kept)} is kept for calls that wait longer` : ''
  const figures = `${formatUsd(limit)}, of which ${formatUsd(spent)} is spent and ${formatUsd(held)} held${waited}`
  const ahead = isAhead(period, clock) ? ` ${aheadWords(period)}` : ''
  return (
    `a call of ${agent} to ${model} may cost ${formatUsd(needed)}, and ${formatUsd(available)} is left: ` +
    `${subject(by, period, limitOf(manifest, period))} is ${figures}. ${remedy(by, period, limit)}${ahead}`
  )
}

function subject(by: RefusedBy, period: Period, meshLimit: NanoUsd | undefined): string {
  const label = period.slice(period.indexOf(':') + 1)
  if (by === 'thread') return `this node's share of the cap of thread ${label}`
  if (by === 'agent-day') return `the agent's limit for ${label.slice(label.indexOf(':') + 1)}`
  if (by === 'local-cap') return `the cap that this node's own configuration sets for ${label}`
  return `this node's share of the mesh's ${meshLimit === undefined ? 'limit' : formatUsd(meshLimit)} for ${label}`
}

function remedy(by: RefusedBy, period: Period, limit: NanoUsd): string {
  if (by === 'thread')
    return 'It goes on when another node gives up some of its share, or a held call costs less than its bound; or open a thread with a larger cap'
  const next = new Date(endOf(period)).toISOString().slice(0, 16)
  if (by === 'agent-day' && limit === 0n)
    return `What it spent before this ledger was begun is not known. It goes on at ${next} UTC, or when the new account is adopted`
  const sooner = by === 'day' || by === 'month' ? 'another node gives it rights, or ' : ''
  const raise = by === 'local-cap' ? ', or when the configuration allows more' : ''
  return `It goes on at ${next} UTC, or when ${sooner}a held call costs less than its bound${raise}`
}

function aheadWords(period: Period): string {
  return (
    `${period.slice('d:'.length)} has not come yet: a wrong clock opened it, and no earlier one is charged any more. ` +
    'If it is too far off to wait for, stop this node, run "bzzz budget new-ledger", start it again and have it adopted'
  )
}

export function unpricedWords(model: string): string {
  return (
    `there is no price for ${model}, so its cost cannot be held; add it to the price file ` +
    '(a model on your own hardware: 0 with "local": true)'
  )
}

/** A model that was billed above the bound of a call: the last such call. */
export interface FrozenModel {
  readonly model: string
  readonly billed: NanoUsd
  /** What was held for it. */
  readonly held: NanoUsd
}

/** The same wherever it is told. */
export function frozenModelWords({ model, billed, held }: FrozenModel): string {
  const cost = `${formatUsd(billed)} was billed for a call that could cost ${formatUsd(held)}`
  return `${model} is frozen on this node: ${cost}; correct its price in the price file and start the node again`
}

export function noRightsWords({ peer, incarnation }: Account): string {
  return (
    `the manifest gives no rights to this node's account ${peer}/${incarnation}: ` +
    'its ledger is new, or the owner has not allotted anything to it. ' +
    'It works on what other nodes give it, and has a part of its own once "bzzz budget adopt" is said where the mesh owner\'s key is'
  )
}

export function closedWords({ peer, incarnation }: Account): string {
  return (
    `the mesh's owner has attested that this node's account ${peer}/${incarnation} is gone, and its rights were given to others: ` +
    'stop this node, run "bzzz budget new-ledger", start it again and have it adopted'
  )
}

export function removedWords(): string {
  return (
    "the mesh's owner has removed this machine: it makes no model calls any more, so stop it. " +
    'To come back, it joins by an invitation, with another data directory'
  )
}

export function forkedWords({ peer, incarnation }: Account): string {
  return (
    `this node's account ${peer}/${incarnation} has signed two things under one number: a copy of its data directory is or was in use. ` +
    'Stop the copy for good; then stop this node, run "bzzz budget new-ledger", start it again and have it adopted'
  )
}

export function outrunWords({ peer, incarnation }: Account): string {
  return (
    `the ledger of account ${peer}/${incarnation} is older than what that account has signed: it was put back, or a copy of it is in use. ` +
    'Restart this node: it begins a new ledger, works on what the others grant, and is to be adopted'
  )
}

export function clockWords(nowMs: number, lastOpened: Period): string {
  return (
    `this node's clock says ${minuteOf(nowMs)} UTC, more than one period after ` +
    `${lastOpened.slice(2)}, the last one it opened; ${CLOCK_REMEDY}`
  )
}

/** @param what speaks against it: the node has done something, or another clock agreed, at a later time */
export function setBackWords(nowMs: number, what: string): string {
  return (
    `this node's clock says ${minuteOf(nowMs)} UTC, and ${what} already: ` +
    'one of the two is wrong; set the clock right'
  )
}

export function agreedWords(agreedMs: number): string {
  return `another one agreed on ${minuteOf(agreedMs)} UTC`
}

/** For a node that is the whole mesh. */
export function aloneWords(nowMs: number, lastOpened: Period, days: number): string {
  return (
    `this node's clock says ${minuteOf(nowMs)} UTC, more than ${days} days after ` +
    `${lastOpened.slice(2)}, the last one it opened; ${CLOCK_REMEDY}`
  )
}

export function foundingWords(nowMs: number, createdMs: number, days: number): string {
  return (
    `this node's clock says ${minuteOf(nowMs)} UTC, more than ${days} days from ` +
    `${minuteOf(createdMs).slice(0, 10)}, the date of the mesh's manifest; ${CLOCK_REMEDY}`
  )
}

const CLOCK_REMEDY =
  "if that is wrong, set the clock right; if it is right, it goes on once another clock agrees (a peer's or the provider's)"

function minuteOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 16)
}
