import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { dataDirectory } from '../../src/init/data-directory.ts'
import { doorsUnderTest, TOKEN } from '../http/doors-under-test.ts'
import { type Ended, run } from './command-line.ts'

/** Both doors of the mesh of three on free ports, and a command line that finds them. */
export async function nodeToAsk() {
  const doors = doorsUnderTest()
  const { nodeUrl, agentsUrl } = await doors.listen({ node: 0, agents: 0 })
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-asked-'))
  onTestFinished(async () => {
    await doors.close()
    await rm(directory, { recursive: true, force: true })
  })
  const paths = dataDirectory(directory)
  const running = { pid: process.pid, node_url: nodeUrl, agents_url: agentsUrl, started_ms: 0 }
  await writeFile(paths.running, JSON.stringify(running))
  await writeFile(paths.token, TOKEN)
  const ask = (...args: string[]): Promise<Ended> => run(args, { BZZZ_DATA_DIR: directory })
  return { ...doors, directory, ask }
}
