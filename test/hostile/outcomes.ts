const NOT_REFUSED = ['applied', 'repeat', 'held', 'lost']

/** What came of the inputs, by kind. */
export class Outcomes {
  readonly #counts = new Map<string, Map<string, number>>()

  note(kind: string, outcome: string): void {
    const counts = this.#counts.get(kind) ?? new Map<string, number>()
    this.#counts.set(kind, counts.set(outcome, (counts.get(outcome) ?? 0) + 1))
  }

  /** How often each outcome but those that took the input. */
  get refusals(): Map<string, number> {
    const refusals = new Map<string, number>()
    for (const [outcome, times] of [...this.#counts.values()].flatMap((counts) => [...counts])) {
      if (!NOT_REFUSED.includes(outcome)) refusals.set(outcome, (refusals.get(outcome) ?? 0) + times)
    }
    return refusals
  }

  kindsThatWere(outcome: string): string[] {
    return [...this.#counts].flatMap(([kind, counts]) => (counts.has(outcome) ? [kind] : []))
  }

  table(): string {
    const rows = [...this.#counts].toSorted().map(([kind, counts]) => {
      const told = [...counts].toSorted(([, a], [, b]) => b - a).map(([outcome, times]) => `${outcome} ${times}`)
      return `${kind.padEnd(50)} ${told.join(', ')}`
    })
    return rows.join('\n')
  }
}
