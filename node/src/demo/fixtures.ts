import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readRange } from '@bzzz/agents'
import type { ChangeSet } from '@bzzz/protocols'
import { z } from 'zod'

/** The changes of the demo: git bundles of a small genuine project, in the clone's `fixtures` folder. */
export type FixtureName = 'clean' | 'faults' | 'disagree'

const folder = fileURLToPath(new URL('../../../fixtures/', import.meta.url))
const run = promisify(execFile)

/** Unpacks a bundle below `directory` and reads the one commit on top of its project. */
export async function readFixture(name: FixtureName, directory: string, signal: AbortSignal): Promise<ChangeSet> {
  const repository = join(directory, name)
  await run('git', ['clone', '--quiet', join(folder, `${name}.bundle`), repository], { signal })
  return { ...(await readRange({ repository, range: 'HEAD~1..HEAD', signal })), repository: `fixtures/${name}` }
}

const answerKey = z.object({
  faults: z.array(
    z.looseObject({ file: z.string(), line: z.number(), rule: z.string(), findable_by_rules: z.boolean() }),
  ),
})
export type PlantedFault = z.infer<typeof answerKey>['faults'][number]

/** The faults that were planted in the change `faults`. */
export async function plantedFaults(): Promise<PlantedFault[]> {
  return answerKey.parse(JSON.parse(await readFile(join(folder, 'answer-key.json'), 'utf8'))).faults
}
