import { z } from 'zod'
import { sha256 } from '../bytes/signing.ts'

/**
 * The change under review, as it is stored by content hash and fetched by the nodes that review it: JSON in UTF-8.
 * It carries the new text of each file, so a reviewing node needs no checkout and runs nothing of the repository.
 */
export const MAX_CHANGE_SET_BYTES = 8 * 1024 * 1024
export const MAX_CHANGED_FILES = 2_000
export const MAX_FILE_TEXT_BYTES = 1024 * 1024

const repoPath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0'), {
    message: 'not a path inside the repository',
  })

const diffLine = z.strictObject({
  kind: z.enum(['added', 'deleted', 'context']),
  /** Line number from 1: in the new file for added and context lines, in the old file for deleted ones. */
  line: z.number().int().min(1),
  text: z.string(),
})

const changedFile = z.strictObject({
  path: repoPath,
  oldPath: repoPath.optional(),
  status: z.enum(['added', 'modified', 'deleted', 'renamed']),
  /** Changed lines with the context that the diff gave. Empty for binary and omitted files. */
  hunks: z.array(z.strictObject({ lines: z.array(diffLine).max(200_000) })).max(20_000),
  /** The whole new text; absent for deleted, binary and omitted files. */
  text: z.string().optional(),
  /** Why there is nothing to read here; named in the coverage of the report. */
  omitted: z.enum(['binary', 'too large', 'submodule', 'not text', 'generated']).optional(),
})
export type ChangedFile = z.infer<typeof changedFile>

export const changeSet = z.strictObject({
  v: z.literal(1),
  /** Name for people: the last part of the folder or remote, without credentials. */
  repository: z.string().min(1).max(255),
  /** Full commit hashes, or `patch` where the change came as a file. */
  base: z.string().max(128),
  head: z.string().max(128),
  title: z.string().max(500),
  files: z.array(changedFile).max(MAX_CHANGED_FILES),
  /** Lock files that exist in the repository at head, for the rule about dependencies. */
  lockfiles: z.array(repoPath).max(100),
})
export type ChangeSet = z.infer<typeof changeSet>

export const severity = z.enum(['critical', 'high', 'medium', 'low', 'info'])
export type Severity = z.infer<typeof severity>

/** A claim about the change with its evidence. It counts only once a tool has found `quote` at `file:line`. */
export const finding = z.strictObject({
  severity,
  file: repoPath,
  /** In the new file, from 1. */
  line: z.number().int().min(1),
  /** Name of the rule, or a short slug that the model gave. */
  rule: z.string().min(1).max(128),
  /** Text of that line, as it stands in the change. */
  quote: z.string().max(2_000),
  message: z.string().min(1).max(4_000),
  suggestion: z.string().max(4_000).optional(),
  verified: z.boolean(),
})
export type Finding = z.infer<typeof finding>

/** @returns the blob's content hash, hexadecimal SHA-256 */
export function blobHash(bytes: Uint8Array): string {
  return Buffer.from(sha256(bytes)).toString('hex')
}
