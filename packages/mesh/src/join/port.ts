import type { JoinAnswer, JoinRequest, PeerId } from '@bzzz/protocols'

/** What the mesh needs of whoever keeps the invitations. */
export interface JoinsPort {
  /** Whether this key is of an invitation, live or not: it is let in to be told how that stands, and for nothing else. */
  knows(peer: string): boolean
  /** Durable when it resolves. @param invite as noise has proven it */
  join(invite: PeerId, request: JoinRequest): Promise<JoinAnswer>
}
