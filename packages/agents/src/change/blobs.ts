import { ChangeError } from './change-error.ts'
import { type GitOptions, runGit } from './git.ts'

/** Sizes in bytes, by hash. @throws {ChangeError} GIT_FAILED when the repository does not hold one of them */
export async function blobSizes(blobs: readonly string[], git: GitOptions): Promise<Map<string, number>> {
  const output = await runGit(['cat-file', '--batch-check'], { ...git, input: listed(blobs) })
  const sizes = new Map<string, number>()
  for (const line of output.toString('utf8').split('\n').slice(0, -1)) {
    const [hash = '', type, size] = line.split(' ')
    if (type !== 'blob') throw missing(hash, git)
    sizes.set(hash, Number(size))
  }
  return sizes
}

function missing(hash: string, { repository }: GitOptions): ChangeError {
  return new ChangeError(
    'GIT_FAILED',
    `${repository} does not hold object ${hash} (a partial clone?): fetch it, or review in a full clone`,
  )
}

/** Contents by hash; all of them are known to exist. */
export async function readBlobs(blobs: readonly string[], git: GitOptions): Promise<Map<string, Buffer>> {
  const output = await runGit(['cat-file', '--batch'], { ...git, input: listed(blobs) })
  const contents = new Map<string, Buffer>()
  for (let at = 0; at < output.length; ) {
    const start = output.indexOf('\n', at) + 1
    const [hash = '', , size] = output.toString('utf8', at, start - 1).split(' ')
    const end = start + Number(size)
    contents.set(hash, output.subarray(start, end))
    at = end + 1
  }
  return contents
}

function listed(blobs: readonly string[]): string {
  return blobs.map((blob) => `${blob}\n`).join('')
}
