import { Answer, JSON_TYPE } from '../answers.ts'
import { dumps } from '../python.ts'
import { operation } from '../resource.ts'
import type { Resource } from '../resource.ts'

const VERSION = {
  capabilities: [
    'networks-management', 'static-ipaddresses', 'ipv6-deployment-ubuntu', 'devices-management',
    'storage-deployment-ubuntu', 'network-deployment-ubuntu', 'bridging-interface-ubuntu', 'bridging-automatic-ubuntu',
    'authenticate-api'
  ],
  version: '3.4.10',
  subversion: ''
}

/** `version/`, which ignores signatures (rows "version, anonymous" and "bad consumer on ..."). */
export const version: Resource = {
  template: 'version/',
  auth: null,
  anon: {
    name: 'VersionHandler',
    doc: 'Information about this MAAS instance.',
    operations: { GET: operation('Read version and capabilities.', () => new Answer(200, JSON_TYPE, dumps(VERSION))) }
  }
}
