/**
 * The resources of API 2.0 in 3.4 and 3.7 (maasserver/urls_api.py): path, the version that brought it if it is not 3.4,
 * handler, and operations, `METHOD` or `METHOD:op`. An indented line continues the one before.
 */
const ROWS = `
account/ Account POST:create_authorisation_token POST:delete_authorisation_token
  GET:list_authorisation_tokens POST:update_token_name
account/prefs/sshkeys/ SSHKeys GET POST POST:import
account/prefs/sshkeys/{id}/ SSHKey DELETE GET
account/prefs/sslkeys/ SSLKeys GET POST
account/prefs/sslkeys/{id}/ SSLKey DELETE GET
agents/{system_id}/services/{service_name}/config/ 3.7 AgentConfig GET
boot-resources/ BootResources GET POST POST:import GET:is_importing POST:stop_import
boot-resources/{id}/ BootResource DELETE GET
boot-resources/{id}/upload/{file_id}/ BootResourceFileUpload PUT
boot-sources/ BootSources GET POST
boot-sources/{boot_source_id}/selections/ BootSourceSelections GET POST
boot-sources/{boot_source_id}/selections/{id}/ BootSourceSelection DELETE GET PUT
boot-sources/{id}/ BootSource DELETE GET PUT
commissioning-results/ NodeResults GET
commissioning-scripts/ CommissioningScripts GET POST
commissioning-scripts/{name} CommissioningScript DELETE GET PUT
devices/ Devices GET POST GET:is_registered POST:set_zone
devices/{system_id}/ Device DELETE GET PUT GET:details GET:power_parameters
  POST:restore_default_configuration POST:restore_networking_configuration POST:set_owner_data
  POST:set_workload_annotations
dhcp-snippets/ DHCPSnippets GET POST
dhcp-snippets/{id}/ DHCPSnippet DELETE GET PUT POST:revert
discovery/ Discoveries GET GET:by_unknown_ip GET:by_unknown_ip_and_mac GET:by_unknown_mac POST:clear
  POST:clear_by_mac_and_ip POST:scan
discovery/{discovery_id}/ Discovery GET
dnsresourcerecords/ DNSResourceRecords GET POST
dnsresourcerecords/{id}/ DNSResourceRecord DELETE GET PUT
dnsresources/ DNSResources GET POST
dnsresources/{id}/ DNSResource DELETE GET PUT
domains/ Domains GET POST POST:set_serial
domains/{id}/ Domain DELETE GET PUT POST:set_default
events/ Events GET:query
fabrics/ Fabrics GET POST
fabrics/{fabric_id}/vlans/ Vlans GET POST
fabrics/{fabric_id}/vlans/{vid}/ Vlan DELETE GET PUT
fabrics/{id}/ Fabric DELETE GET PUT
files/ Files DELETE GET POST
files/{filename}/ File DELETE GET
images-sync-progress/ 3.7 ImagesSyncProgress GET POST
images-sync-progress/{file_id}/{system_id}/ 3.7 ImageSyncProgress GET PUT
installation-results/ NodeResults GET
ipaddresses/ IPAddresses GET POST:release POST:reserve
ipranges/ IPRanges GET POST
ipranges/{id}/ IPRange DELETE GET PUT
license-key/{osystem}/{distro_series} LicenseKey DELETE GET PUT
license-keys/ LicenseKeys GET POST
maas/ Maas GET:get_config POST:set_config
machines/ Machines GET POST POST:accept POST:accept_all POST:add_chassis POST:allocate POST:clone
  GET:is_registered GET:list_allocated GET:power_parameters POST:release POST:set_zone
machines/{system_id}/ Machine DELETE GET PUT POST:abort POST:clear_default_gateways POST:commission
  POST:deploy GET:details POST:exit_rescue_mode GET:get_curtin_config GET:get_token POST:lock
  POST:mark_broken POST:mark_fixed POST:mount_special POST:override_failed_testing POST:power_off
  POST:power_on GET:power_parameters GET:query_power_state POST:release POST:rescue_mode
  POST:restore_default_configuration POST:restore_networking_configuration POST:restore_storage_configuration
  POST:set_owner_data POST:set_storage_layout POST:set_workload_annotations POST:test POST:unlock
  POST:unmount_special
networks/ Networks GET POST
networks/{name}/ Network DELETE GET PUT POST:connect_macs POST:disconnect_macs GET:list_connected_macs
nodes/ Nodes GET GET:is_registered POST:set_zone
nodes/{system_id}/ Node DELETE GET GET:details GET:power_parameters
nodes/{system_id}/bcache-cache-set/{id}/ BcacheCacheSet DELETE GET PUT
nodes/{system_id}/bcache-cache-sets/ BcacheCacheSets GET POST
nodes/{system_id}/bcache/{id}/ Bcache DELETE GET PUT
nodes/{system_id}/bcaches/ Bcaches GET POST
nodes/{system_id}/blockdevices/ BlockDevices GET POST
nodes/{system_id}/blockdevices/{device_id}/partitions/ Partitions GET POST
nodes/{system_id}/blockdevices/{device_id}/partitions/{id} Partition DELETE GET POST:add_tag POST:format
  POST:mount POST:remove_tag POST:unformat POST:unmount
nodes/{system_id}/blockdevices/{id}/ BlockDevice DELETE GET PUT POST:add_tag POST:format POST:mount
  POST:remove_tag POST:set_boot_disk POST:unformat POST:unmount
nodes/{system_id}/devices/ NodeDevices GET
nodes/{system_id}/devices/{id}/ NodeDevice DELETE GET
nodes/{system_id}/interfaces/ Interfaces GET POST:create_bond POST:create_bridge POST:create_physical
  POST:create_vlan
nodes/{system_id}/interfaces/{id}/ Interface DELETE GET PUT POST:add_tag POST:disconnect POST:link_subnet
  POST:remove_tag POST:set_default_gateway POST:unlink_subnet
nodes/{system_id}/raid/{id}/ Raid DELETE GET PUT
nodes/{system_id}/raids/ Raids GET POST
nodes/{system_id}/results/ NodeScriptResults GET
nodes/{system_id}/results/{id}/ NodeScriptResult DELETE GET PUT GET:download
nodes/{system_id}/vmfs-datastore/{id}/ VmfsDatastore DELETE GET PUT
nodes/{system_id}/vmfs-datastores/ VmfsDatastores GET POST
nodes/{system_id}/volume-groups/ VolumeGroups GET POST
nodes/{system_id}/volume-groups/{id}/ VolumeGroup DELETE GET PUT POST:create_logical_volume
  POST:delete_logical_volume
notifications/ Notifications GET POST
notifications/{id}/ Notification DELETE GET PUT POST:dismiss
package-repositories/ PackageRepositories GET POST
package-repositories/{id}/ PackageRepository DELETE GET PUT
pods/ Pods GET POST
pods/{id}/ Pod DELETE PUT POST:add_tag POST:compose GET:parameters POST:refresh POST:remove_tag
rackcontrollers/ RackControllers GET GET:describe_power_types POST:import_boot_images GET:is_registered
  GET:power_parameters POST:set_zone
rackcontrollers/{system_id}/ RackController DELETE GET PUT POST:abort GET:details POST:import_boot_images
  GET:list_boot_images POST:override_failed_testing POST:power_off POST:power_on GET:power_parameters
  GET:query_power_state POST:test
regioncontrollers/ RegionControllers GET GET:is_registered POST:set_zone
regioncontrollers/{system_id}/ RegionController DELETE GET PUT GET:details GET:power_parameters
reservedips/ 3.7 ReservedIps GET POST
reservedips/{id}/ 3.7 ReservedIp DELETE GET PUT
resourcepool/{id}/ ResourcePool DELETE GET PUT
resourcepools/ ResourcePools GET POST
scripts/ NodeScripts GET POST
scripts/{name} NodeScript DELETE GET PUT POST:add_tag GET:download POST:remove_tag POST:revert
spaces/ Spaces GET POST
spaces/{id}/ Space DELETE GET PUT
static-routes/ StaticRoutes GET POST
static-routes/{id}/ StaticRoute DELETE GET PUT
subnets/ Subnets GET POST
subnets/{cidr}/ Subnet DELETE GET PUT GET:ip_addresses GET:reserved_ip_ranges GET:statistics
  GET:unreserved_ip_ranges
tags/ Tags GET POST
tags/{name}/ Tag DELETE GET PUT GET:devices GET:machines GET:nodes GET:rack_controllers POST:rebuild
  GET:region_controllers POST:update_nodes
users/ Users GET POST GET:whoami
users/{username}/ User DELETE GET
virtual-machines/ VirtualMachines GET POST
virtual-machines/{id} VirtualMachine GET
vlans/{vlan_id}/ Vlan DELETE GET PUT
vm-clusters/ VmClusters GET
vm-clusters/{id} VmCluster DELETE PUT
vm-hosts/ VmHosts GET POST
vm-hosts/{id}/ VmHost DELETE PUT POST:add_tag POST:compose GET:parameters POST:refresh POST:remove_tag
zones/ Zones GET POST
zones/{name}/ Zone DELETE GET PUT
`

/** A row of the catalogue. */
export interface CatalogueRow {
  template: string
  /** null if all versions have it */
  since: string | null
  /** the name of the handler, without `Handler` */
  name: string
  /** `METHOD` or `METHOD op` */
  operations: string[]
}

/** Every resource. */
export const CATALOGUE: readonly CatalogueRow[] = ROWS.trim().replaceAll('\n  ', ' ').split('\n').map(line => {
  const words = line.split(/ +/)
  const since = /^\d/.test(words[1] as string) ? words.splice(1, 1)[0] as string : null
  const [template = '', name = '', ...operations] = words
  return { template, since, name, operations: operations.map(operation => operation.replace(':', ' ')) }
})
