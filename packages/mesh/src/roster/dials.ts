/** How far a dial came: on its way; the socket was accepted; noise has proven that the peer itself is there. */
export type DialStage = 'sought' | 'reached' | 'secured'

/** The dials that the roster has under way, by peer: one at a time for each. */
export class Dials {
  readonly #underWay = new Map<string, { stage: DialStage }>()

  begin(peer: string): { readonly stage: DialStage } {
    const dial = { stage: 'sought' as const }
    this.#underWay.set(peer, dial)
    return dial
  }

  end(peer: string): void {
    this.#underWay.delete(peer)
  }

  may(peer: string): boolean {
    return this.#underWay.has(peer)
  }

  came(peer: string, stage: DialStage): void {
    const dial = this.#underWay.get(peer)
    if (dial !== undefined) dial.stage = stage
  }
}
