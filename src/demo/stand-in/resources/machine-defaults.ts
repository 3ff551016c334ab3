import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'

type Fields = { [name: string]: Json }

const UNKNOWN_PARTS = [
  'system_vendor', 'system_product', 'system_family', 'system_version', 'system_sku', 'system_serial', 'cpu_model',
  'mainboard_vendor', 'mainboard_product', 'mainboard_serial', 'mainboard_version', 'mainboard_firmware_vendor',
  'mainboard_firmware_date', 'mainboard_firmware_version', 'chassis_vendor', 'chassis_type', 'chassis_serial',
  'chassis_version'
]

/** The hardware of a machine that has not been commissioned. */
export const HARDWARE: Fields = Object.fromEntries(UNKNOWN_PARTS.map(part => [part, 'Unknown']))

const TESTS = [
  'commissioning', 'testing', 'cpu_test', 'memory_test', 'storage_test', 'network_test', 'interface_test', 'other_test'
]

/** The state of each kind of test: none was run. */
export const NOT_TESTED: Fields = Object.fromEntries(
  TESTS.flatMap(test => [[`${test}_status`, -1], [`${test}_status_name`, 'Unknown']])
)

/** The numbers of the last results. */
export function resultNumbers ({ results }: Machine): Fields {
  return {
    current_commissioning_result_id: results?.[0] ?? null,
    current_testing_result_id: results?.[1] ?? null,
    current_installation_result_id: null
  }
}
