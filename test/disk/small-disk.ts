import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, rmdir, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job, startJob } from '../cli/node-process.ts'

/**
 * A real file system of a few megabytes in memory, in a mount namespace of its own: nothing is mounted for anybody else, and
 * it is gone with its last process. That is one that reads from this process, and so ends with it whatever happens.
 */
export interface SmallDisk {
  /** For processes on it. */
  readonly directory: string
  /** For this process. */
  outside(...names: string[]): string
  /** `bzzz` with access to it. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Job
  /** Any other program; throws unless it ends with 0. @returns its output */
  run(command: string, ...args: string[]): string
  /** Until nothing more can be written. @param spare bytes that are left free, whole pages */
  fill(spare?: number): Promise<void>
  /** What was filled is free again. */
  makeRoom(): Promise<void>
  close(): Promise<void>
}

const IN_A_NAMESPACE = ['--user', '--map-root-user', '--mount']

/** Why this machine has no such disk; undefined when it has. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return `no mount namespaces on ${process.platform}`
  const mounting = spawnSync('unshare', [...IN_A_NAMESPACE, 'mount', '-t', 'tmpfs', 'none', tmpdir()])
  if (mounting.status !== 0) return `unshare: ${mounting.error?.message ?? String(mounting.stderr).trim()}`
  return spawnSync('nsenter', ['--version']).status === 0 ? undefined : 'there is no nsenter'
}

export async function openSmallDisk(megabytes: number): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-disk-'))
  const keeper = spawn(
    'unshare',
    [...IN_A_NAMESPACE, 'sh', '-c', 'mount -t tmpfs -o "size=$1,mode=0700" none "$0" && echo ready && exec cat'].concat(
      directory,
      `${megabytes}m`,
    ),
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  await once(keeper.stdout, 'data')
  const inside = ['nsenter', '--user', '--preserve-credentials', '--mount', `--target=${keeper.pid}`]
  const outside = (...names: string[]) => join(`/proc/${keeper.pid}/root`, directory, ...names)
  const ballast = outside('ballast')
  const jobs: Job[] = []

  return {
    directory,
    outside,
    start(args, env = {}) {
      const job = startJob(args, { env, through: inside })
      jobs.push(job)
      return job
    },
    run: (command, ...args) => execFileSync('nsenter', [...inside.slice(1), command, ...args], { encoding: 'utf8' }),
    async fill(spare = 0) {
      const size = await filled(ballast)
      await truncate(ballast, Math.max(0, size - spare))
    },
    makeRoom: () => rm(ballast),
    async close() {
      for (const job of jobs) job.kill()
      await Promise.all(jobs.map(({ ended }) => ended))
      await ended(keeper)
      await rmdir(directory)
    },
  }
}

const CHUNK_BYTES = 64 * 1024

/** @returns its size, when not one byte more goes into it */
async function filled(path: string): Promise<number> {
  const file = await open(path, 'a')
  try {
    for (let chunk = CHUNK_BYTES; chunk >= 1; chunk = Math.floor(chunk / 2)) while (await grows(file, chunk));
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function grows(file: Awaited<ReturnType<typeof open>>, bytes: number): Promise<boolean> {
  try {
    return (await file.write(Buffer.alloc(bytes))).bytesWritten === bytes
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}

async function ended(keeper: ChildProcess): Promise<void> {
  const closed = once(keeper, 'close')
  keeper.stdin?.end()
  await closed
}
