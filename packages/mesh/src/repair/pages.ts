import type { SeqVector, ThreadId } from '@bzzz/protocols'
import type { ThreadsPort } from '../threads-port.ts'
import { type Page, pagesOf } from './page.ts'

/** There may be more, but not from here: whoever hears this compares again later. */
const GONE: Page = { envelopes: [], more: true }

/**
 * What one peer asked for last, read on as it comes for the next page: one open read of the store for each link, until the
 * last page is taken, the next question comes, or the link ends.
 */
export class Pages {
  readonly #log: Pick<ThreadsPort, 'envelopesAfter'>
  #reading: AsyncGenerator<Page, undefined> | undefined

  constructor(log: Pick<ThreadsPort, 'envelopesAfter'>) {
    this.#log = log
  }

  async first(asked: readonly (readonly [ThreadId, SeqVector])[]): Promise<Page> {
    await this.close()
    this.#reading = pagesOf(this.#log, asked)
    return await this.next()
  }

  async next(): Promise<Page> {
    const { value: page = GONE } = (await this.#reading?.next()) ?? {}
    if (!page.more) await this.close()
    return page
  }

  async close(): Promise<void> {
    const reading = this.#reading
    this.#reading = undefined
    await reading?.return(undefined)
  }
}
