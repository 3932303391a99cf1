/** What one run counted. Sums, so that those of many runs add up. */
export interface Figures {
  /** Calls that somebody wanted made at a node that ran. */
  asked: number
  served: number
  denied: number
  /** Denied, although less than the limit was billed. */
  deniedLeft: number
  /** Denied, although nodes that could be reached had enough together. */
  deniedReachable: number
  /** Requests for rights, and answers. */
  messages: number
  /** Seconds that each served call waited for rights; 0 for one that its node could hold at once. */
  waits: number[]
  /** Parts of a limit that were left when a day ended, while calls had been denied for want of them. */
  stranded: number
  days: number
}

export function noFigures(): Figures {
  const counts = { asked: 0, served: 0, denied: 0, deniedLeft: 0, deniedReachable: 0, messages: 0 }
  return { ...counts, waits: [], stranded: 0, days: 0 }
}
