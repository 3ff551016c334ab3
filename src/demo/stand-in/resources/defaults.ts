import type { Json } from '../python.ts'

type Row = { [name: string]: Json }

const SPACE = 'undefined'

const VLAN: Row = {
  id: 5001,
  name: 'untagged',
  vid: 0,
  fabric: 'fabric-0',
  fabric_id: 0,
  mtu: 1500,
  primary_rack: null,
  secondary_rack: null,
  dhcp_on: false,
  external_dhcp: null,
  relay_vlan: null,
  space: SPACE,
  resource_uri: '/MAAS/api/2.0/vlans/5001/'
}

/** What a new MAAS has of its own, by the path of the collection. The subnet is one of those for documentation. */
export const DEFAULTS: Readonly<Record<string, readonly Row[]>> = {
  'zones/': [{ name: 'default', description: '', id: 1, resource_uri: '/MAAS/api/2.0/zones/default/' }],
  'resourcepools/': [{
    name: 'default', description: 'Default pool', id: 0, resource_uri: '/MAAS/api/2.0/resourcepool/0/'
  }],
  'domains/': [{
    authoritative: true,
    ttl: null,
    is_default: true,
    id: 0,
    name: 'maas',
    resource_record_count: 0,
    resource_uri: '/MAAS/api/2.0/domains/0/'
  }],
  'fabrics/': [{ id: 0, name: 'fabric-0', class_type: null, vlans: [VLAN], resource_uri: '/MAAS/api/2.0/fabrics/0/' }],
  'vlans/': [VLAN],
  'subnets/': [{
    id: 1,
    name: '192.0.2.0/24',
    description: '',
    vlan: VLAN,
    cidr: '192.0.2.0/24',
    rdns_mode: 2,
    gateway_ip: '192.0.2.1',
    dns_servers: [],
    allow_dns: true,
    allow_proxy: true,
    active_discovery: false,
    managed: true,
    disabled_boot_architectures: [],
    space: SPACE,
    resource_uri: '/MAAS/api/2.0/subnets/1/'
  }]
}
