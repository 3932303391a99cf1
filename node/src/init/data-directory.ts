import { join } from 'node:path'

/** What lies where in a node's data directory. */
export interface DataDirectory {
  readonly root: string
  /** Threads, ledger: synced, one writer. Losing it loses the node's money rights. */
  readonly state: string
  /** How far the ledger had come, outside of it: not to be put back, or copied, with it. */
  readonly ledgerMark: string
  /** libp2p's stores: may be deleted. */
  readonly cache: string
  readonly nodeKey: string
  /** Only where the mesh was founded. */
  readonly ownerKey: string
  /** The signed manifest. */
  readonly mesh: string
  readonly networkSecret: string
  readonly settings: string
  readonly token: string
  /** Where the running process is reached; gone when it stopped cleanly. */
  readonly running: string
  readonly temporary: string
}

export function dataDirectory(root: string): DataDirectory {
  return {
    root,
    state: join(root, 'state'),
    ledgerMark: join(root, 'ledger.mark'),
    cache: join(root, 'cache'),
    nodeKey: join(root, 'node.key'),
    ownerKey: join(root, 'owner.key'),
    mesh: join(root, 'mesh.json'),
    networkSecret: join(root, 'network.secret'),
    settings: join(root, 'bzzz.json'),
    token: join(root, 'token'),
    running: join(root, 'running.json'),
    temporary: join(root, 'tmp'),
  }
}
