// What is asked for and what is answered, the same for every candidate.

/** As a client asks: fifty machines in turns. */
export const PATHS = Array.from({ length: 50 }, (_, i) => `/MAAS/api/2.0/machines/node${String(i).padStart(2, '0')}/`)

/** Here the upstream answers with the `Authorization` that it got. */
export const ECHO_PATH = '/MAAS/api/2.0/machines/echo/'

export const HEADERS = { 'User-Agent': 'curl/8.5.0', Accept: '*/*' }

/** 1 KiB of JSON. */
export const SAMPLE = padded({ system_id: 'abc123', hostname: 'node', status_name: 'Deployed', power_state: 'on', description: '' }, 1024)

/** An API key as MAAS makes them. */
export const KEY = { consumer: 'a1234567890123456B', token: 'c1234567890123456D', secret: 'e123456789012345678901234567890F' }

function padded (object, length) {
  return JSON.stringify({ ...object, description: 'x'.repeat(length - JSON.stringify(object).length) })
}
