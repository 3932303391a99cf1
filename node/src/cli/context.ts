import type { Command } from 'commander'
import { type Config, loadConfig } from '../config/load.ts'
import type { SettingName } from '../config/settings.ts'
import { connectToNode, type NodeClient } from './client.ts'
import type { Terminal } from './terminal.ts'

/** What every command is given: the outside world, and the options before its name. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  /** Aborts on the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly stdin: NodeJS.ReadableStream
  readonly cwd: string
  /** The command's result, by which the process ends. */
  setExitCode(code: number): void
}

export interface GlobalOptions {
  readonly dataDir?: string
  readonly json?: boolean
}

/** Adds `--data-dir` and `--json`, which every command has. */
export function withGlobalOptions(command: Command): Command {
  return command
    .option('--data-dir <directory>', 'data directory of the node (default: BZZZ_DATA_DIR or ~/.bzzz)')
    .option('--json', 'print JSON for programs')
}

export function configFor(
  context: CommandContext,
  options: GlobalOptions,
  flags: Partial<Record<SettingName, unknown>> = {},
): Config {
  return loadConfig({ flags, dataDirectory: options.dataDir, env: context.env })
}

export function clientFor(context: CommandContext, options: GlobalOptions): Promise<NodeClient> {
  return connectToNode(configFor(context, options).dataDirectory)
}

/** One JSON document with `--json`, else text for people. */
export function print(context: CommandContext, options: GlobalOptions, value: unknown, text: () => string): void {
  context.terminal.out(options.json === true ? JSON.stringify(value, null, 2) : text())
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
}
