// Puts load on an address, by wrk where it is there, else by our own generator.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { has, scratch, start } from './processes.mjs'
import { HEADERS, PATHS } from './sample.mjs'

export const GENERATOR = has('wrk') ? 'wrk' : 'node'

const GENERATOR_FILE = fileURLToPath(new URL('generator.mjs', import.meta.url))
const SCRIPT = join(scratch, 'wrk.lua')

writeFileSync(SCRIPT, `
local requests, n = {}, 0
function init()
  ${Object.entries(HEADERS).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`).join('; ')}
  for path in ("${PATHS.join(' ')}"):gmatch("%S+") do requests[#requests + 1] = wrk.format("GET", path) end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
function done(summary, latency)
  local e = summary.errors
  print(('{"requests":%d,"errors":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f}'):format(summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`)

/**
 * Asks for the sample paths for some whole seconds.
 * @returns requests, seconds, p50Ms, p99Ms
 * @throws if a single answer was not a 200
 */
export async function load (url, { connections, seconds }) {
  const line = GENERATOR === 'wrk'
    ? ['wrk', '-t', '1', '-c', String(connections), '-d', `${seconds}s`, '-s', SCRIPT, url]
    : [process.execPath, GENERATOR_FILE, url, String(connections), String(seconds)]
  const child = start(line, { stdout: 'pipe' })
  let output = ''
  child.stdout.on('data', chunk => { output += chunk })
  await child.ended
  const result = JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? 'null')
  if (result === null || result.errors > 0 || result.requests === 0) throw new Error(`load on ${url}: ${output}${child.complaint}`)
  return result
}
