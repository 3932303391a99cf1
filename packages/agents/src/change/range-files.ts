import { type ChangedFile, MAX_CHANGE_SET_BYTES, MAX_FILE_TEXT_BYTES } from '@bzzz/protocols'
import { blobSizes, readBlobs } from './blobs.ts'
import { omitLargest } from './encoding.ts'
import type { GitOptions } from './git.ts'
import { isLockfile } from './lockfiles.ts'
import type { Revisions } from './revisions.ts'
import {
  blobPair,
  type HunksByBlobs,
  isRegular,
  isSubmodule,
  readHiddenHunks,
  readHunks,
  type TreeChange,
} from './tree-diff.ts'

type Omission = NonNullable<ChangedFile['omitted']>
interface Plan {
  readonly change: TreeChange
  readonly bytes: number
  readonly omitted: Omission | undefined
}

/** The files of a change with hunks and new text, or with the reason why there is nothing to read. */
export async function readFiles(
  changes: readonly TreeChange[],
  revisions: Revisions,
  git: GitOptions,
): Promise<ChangedFile[]> {
  const plans = await planFiles(changes, git)
  const wanted = plans.filter((plan) => plan.omitted === undefined)
  const contents = await readBlobs(
    wanted.map(({ change }) => shownBlob(change)),
    git,
  )
  const hunks = await readHunks(revisions, git)
  const files: ChangedFile[] = []
  for (const { change, omitted } of plans) {
    const text = omitted === undefined ? decodeText(contents.get(shownBlob(change))) : { omitted }
    files.push({
      ...named(change),
      ...(typeof text === 'string' ? await readLines(change, text, hunks, git) : { hunks: [], ...text }),
    })
  }
  return files
}

/** Decides by kind and size what is read at all, so that no more is held in memory than a change set may take. */
async function planFiles(changes: readonly TreeChange[], git: GitOptions): Promise<Plan[]> {
  const sizes = await blobSizes(changes.filter((change) => isRegular(shownMode(change))).map(shownBlob), git)
  const plans = changes.map((change) => planFile(change, sizes.get(shownBlob(change)) ?? 0))
  const tooLarge = (plan: Plan): Plan => ({ ...plan, omitted: 'too large' })
  return omitLargest(plans, (plan) => (plan.omitted === undefined ? plan.bytes : 0), tooLarge, MAX_CHANGE_SET_BYTES)
}

function planFile(change: TreeChange, bytes: number): Plan {
  return { change, bytes, omitted: omissionOf(change, bytes) }
}

function omissionOf(change: TreeChange, bytes: number): Omission | undefined {
  if (isSubmodule(shownMode(change))) return 'submodule'
  // A symbolic link: its text is a path, and following it would leave the change.
  if (!isRegular(shownMode(change))) return 'not text'
  if (isLockfile(change.path)) return 'generated'
  return bytes > MAX_FILE_TEXT_BYTES ? 'too large' : undefined
}

/** What a reader would see: the new blob, or the one that was deleted. */
function shownBlob(change: TreeChange): string {
  return change.status === 'deleted' ? change.oldBlob : change.newBlob
}

function shownMode(change: TreeChange): string {
  return change.status === 'deleted' ? change.oldMode : change.newMode
}

type Named = Pick<ChangedFile, 'path' | 'oldPath' | 'status'>

function named({ path, oldPath, status }: TreeChange): Named {
  return { path, status, ...(oldPath === undefined ? {} : { oldPath }) }
}

async function readLines(
  change: TreeChange,
  text: string,
  known: HunksByBlobs,
  git: GitOptions,
): Promise<Pick<ChangedFile, 'hunks' | 'text'>> {
  const shown = known.get(blobPair(change)) ?? []
  const hidden = shown.length === 0 && change.oldBlob !== change.newBlob && text !== ''
  const hunks = hidden ? await readHiddenHunks(change, text, git) : [...shown]
  return change.status === 'deleted' ? { hunks } : { hunks, text }
}

function decodeText(content: Uint8Array = new Uint8Array()): string | { omitted: Omission } {
  if (content.includes(0)) return { omitted: 'binary' }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch (error) {
    if (error instanceof TypeError) return { omitted: 'not text' }
    throw error
  }
}
