import type { BudgetThing, GrantAnswer, GrantRequest, PeerId } from '@bzzz/protocols'

/** What the mesh needs of whoever keeps the budget. Asked and told only for members that are nodes. */
export interface BudgetPort {
  /** Synced when it resolves. @param request its account is of `from`, as noise has proven it; rejects when the ledger does */
  grant(request: GrantRequest, from: PeerId): Promise<GrantAnswer>
  /**
   * Something signed that a node hands on; its signer is another question. Refusals that honest nodes meet are no errors.
   * @throws {ProtocolError} for what no honest node hands on; rejects otherwise when the ledger does
   */
  receive(thing: BudgetThing, from: PeerId): Promise<void>
  /** What a peer is told on each new link, and again when it was too slow to be told something later. */
  greeting(to: PeerId): readonly BudgetThing[]
}
