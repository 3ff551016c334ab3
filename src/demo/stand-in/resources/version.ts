import { Answer, JSON_TYPE } from '../answers.ts'
import { dumps } from '../python.ts'
import { operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'

const CAPABILITIES = {
  capabilities: [
    'networks-management', 'static-ipaddresses', 'ipv6-deployment-ubuntu', 'devices-management',
    'storage-deployment-ubuntu', 'network-deployment-ubuntu', 'bridging-interface-ubuntu', 'bridging-automatic-ubuntu',
    'authenticate-api'
  ]
}

/** `version/`, which ignores signatures (rows "version, anonymous" and "bad consumer on ..."). */
export const version: Resource = {
  template: 'version/',
  auth: null,
  anon: {
    name: 'VersionHandler',
    doc: 'Information about this MAAS instance.',
    operations: { GET: operation('Read version and capabilities.', read) }
  }
}

function read ({ store: { release } }: Call): Answer {
  return new Answer(200, JSON_TYPE, dumps({ ...CAPABILITIES, version: release.version, subversion: '' }))
}
