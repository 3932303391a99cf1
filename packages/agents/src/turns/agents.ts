import type { AgentCard, AgentId, PeerId, ThreadId, TokensFrame, TurnId } from '@bzzz/protocols'
import type { ModelProvider } from '../model/model.ts'
import type { IsLaptop } from '../review/record.ts'
import type { AgentDefinition, AgentFact, BudgetPort, FinishedPort, ThreadsPort, TurnLimits } from './ports.ts'

export interface AgentsOptions {
  /** Of this node: the home of its agents. */
  readonly peer: PeerId
  readonly threads: ThreadsPort
  readonly budget: BudgetPort
  readonly finished: FinishedPort
  /** By the name under which agents ask for them. */
  readonly providers: ReadonlyMap<string, ModelProvider>
  readonly agents: readonly AgentDefinition[]
  /** From this node or another; undefined when none at hand has it. */
  readonly fetchBlob: (hash: string, options: { signal: AbortSignal }) => Promise<Uint8Array | undefined>
  /** Members on which no agent lives, whatever a review says; nobody when it is left out. */
  readonly isLaptop?: IsLaptop
  /** Peers whose lease runs. */
  readonly livePeers: () => ReadonlySet<PeerId>
  readonly limits: TurnLimits
  /** Wall milliseconds. */
  readonly now: () => number
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly observe?: (fact: AgentFact) => void
  /** Told the text of each running call as it comes, at most four times a second. Must not throw. */
  readonly tokens?: (frame: TokensFrame) => void
}

export interface Agents {
  /** One per agent, as it is now. */
  cards(): AgentCard[]
  /** Turns of an earlier run that were found at start: calls had been made for them, and no entry written. */
  readonly recovered: readonly RecoveredTurn[]
  /** Told when a card may have changed. @returns how to stop */
  subscribe(listener: () => void): () => void
  /**
   * Begins no further request, waits for those in hand and writes what they bring. Aborting the signal ends them too: their
   * holds stay uncertain and the next run takes their turns up again. Idempotent.
   */
  close(options?: { signal?: AbortSignal }): Promise<void>
}

export interface RecoveredTurn {
  readonly thread: ThreadId
  readonly turn: TurnId
  readonly agent: AgentId
}
