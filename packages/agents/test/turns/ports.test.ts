import type { Budget } from '@bzzz/budget'
import type { Threads, ThreadView } from '@bzzz/threads'
import { expectTypeOf, it } from 'vitest'
import type { ThreadView as NeededView } from '../../src/review/view.ts'
import type { BudgetPort, ThreadsPort } from '../../src/turns/ports.ts'

it('the rooms for words and money are what turns ask for', () => {
  expectTypeOf<Threads>().toExtend<ThreadsPort>()
  expectTypeOf<ThreadView>().toExtend<NeededView>()
  expectTypeOf<Budget>().toExtend<BudgetPort>()
})
