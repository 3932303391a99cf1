import { once } from 'node:events'
import { createServer } from 'node:net'
import { MeshError } from '@bzzz/mesh'
import { ConfigError } from './errors.ts'
import type { Config } from './load.ts'

/** @returns what to do about a port that cannot be listened on; undefined for any other error */
export function cannotListen(error: unknown, { values, provenance }: Config): ConfigError | undefined {
  if (!(error instanceof MeshError) || error.code !== 'LISTEN_FAILED') return undefined
  const { p2p_host: host, p2p_port: port } = values
  const why = error.message.includes('EADDRINUSE') ? 'is in use by another program' : 'cannot be listened on'
  return new ConfigError(
    'CONFIG_INVALID',
    `port ${port} of ${host} ${why} (p2p_port, from ${provenance.p2p_port.from}); free it, or set another`,
    { cause: error },
  )
}

/** Likewise for the ports of the API. */
export function portInUse(error: unknown, { values, provenance }: Config): ConfigError | undefined {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code !== 'EADDRINUSE') return undefined
  const name = port === values.http_port ? 'http_port' : 'mcp_port'
  return new ConfigError(
    'CONFIG_INVALID',
    `port ${port} is in use by another program (${name}, from ${provenance[name].from}); stop that one, or set another port`,
    { cause: error },
  )
}

/**
 * Looks whether the ports of the API are free, so that a node that could not open its doors at the end begins no turn.
 * @throws {ConfigError}
 */
export async function checkPorts(config: Config): Promise<void> {
  const { http_host: host, http_port, mcp_port } = config.values
  for (const port of [http_port, mcp_port]) {
    const server = createServer().listen(port, host)
    try {
      await once(server, 'listening')
    } catch (error) {
      throw portInUse(error, config) ?? error
    }
    server.close()
    await once(server, 'close')
  }
}
