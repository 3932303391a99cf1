import type { Finding } from '@bzzz/protocols'

/** What a rule says about a line, before the line is quoted. */
export type Claim = Omit<Finding, 'verified' | 'quote'>
