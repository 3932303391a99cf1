import type { GrantAnswer, GrantRefusalCode, GrantRequest, PeerId, Period } from '@bzzz/protocols'

/** A donor that was asked for rights, and what became of it. */
export interface Asked {
  readonly peer: PeerId
  /** Wall clock when it was asked. */
  readonly atMs: number
  readonly periods: readonly Period[]
  /** `silent`: it is not connected, or did not answer in time. */
  readonly answer: 'granted' | 'silent' | GrantRefusalCode
  /** A refusal's own words. */
  readonly reason: string | null
}

/** Who was asked in this run, newest last. */
export interface AskedRing {
  note(peer: PeerId, atMs: number, request: GrantRequest, answer: GrantAnswer | undefined): void
  list(): readonly Asked[]
}

// Enough to explain why something waits now.
const MAX_ASKED = 128

export function createAskedRing(): AskedRing {
  const asked: Asked[] = []
  return {
    note(peer, atMs, { needs }, answer) {
      const granting = answer?.granting
      const refused = granting?.status === 'refused' ? granting : undefined
      const said = granting === undefined ? 'silent' : (refused?.code ?? 'granted')
      asked.push({
        peer,
        atMs,
        periods: needs.map(({ period }) => period),
        answer: said,
        reason: refused?.reason ?? null,
      })
      if (asked.length > MAX_ASKED) asked.shift()
    },
    list: () => [...asked],
  }
}
