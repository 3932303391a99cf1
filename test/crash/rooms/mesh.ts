import * as room from '@bzzz/mesh'
import { pass, tellingTest } from '../pass.ts'

export * from '@bzzz/mesh'

export async function openMesh(options: room.MeshOptions): Promise<room.Mesh> {
  const mesh = await room.openMesh(options)
  const publish = mesh.publish.bind(mesh)
  return Object.assign(mesh, {
    publish: (envelope: Uint8Array, about: room.Publication) => {
      pass('publish:before')
      publish(envelope, about)
      pass('publish:after')
    },
    close: tellingTest('mesh', mesh.close.bind(mesh)),
  })
}
