import { execFileSync } from 'node:child_process'
import { request } from 'node:http'
import { startCommand, PROGRAM, type Program } from './process.ts'

interface Test { after: (close: () => unknown) => void }

const COMMAND_TIMEOUT_MS = 10_000

/** Why this machine cannot play two; null if it can. */
export function whyNoMachines (): string | null {
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore', timeout: COMMAND_TIMEOUT_MS })
    execFileSync('ip', ['-V'], { stdio: 'ignore', timeout: COMMAND_TIMEOUT_MS })
    return null
  } catch {
    return 'needs Linux, root, and ip of iproute2: network namespaces'
  }
}

/** The first address of the machine of the proxy. It has a second one, {@link OTHER_ADDRESS}. */
export const ADDRESS = '10.98.0.1'
export const OTHER_ADDRESS = '10.98.0.3'
export const MAAS_ADDRESS = '10.98.0.2'

/** Gives the ends of the cable their addresses, and switches them on. @param ip runs a command of ip(8) on a machine */
export function configure (ip: Machines['ip']): void {
  for (const address of [ADDRESS, OTHER_ADDRESS]) ip('proxy', `addr add ${address}/24 dev way0`)
  ip('maas', `addr add ${MAAS_ADDRESS}/24 dev way0`)
  for (const machine of ['proxy', 'maas'] as const) {
    for (const device of ['lo', 'way0']) ip(machine, `link set ${device} up`)
  }
}

/**
 * A device on the way forgets the connections from one address of the proxy. MAAS hears them, and they do not hear
 * MAAS.
 * @param ip runs a command of ip(8) on a machine
 * @param lost the address
 * @param next the one that new connections come from
 */
export function forget (ip: Machines['ip'], lost = ADDRESS, next = OTHER_ADDRESS): void {
  ip('proxy', `route replace 10.98.0.0/24 dev way0 src ${next}`)
  ip('maas', `route add blackhole ${lost}/32`)
}

/** A MAAS that says what it is asked, on stdout. What it is asked for with `hang` it answers the second time. */
const MAAS = `
  const seen = new Set()
  require('node:http').createServer({ keepAliveTimeout: 0 }, (request, response) => {
    console.log(request.method + ' ' + request.url)
    const { searchParams } = new URL(request.url, 'http://x')
    if (searchParams.has('hang') && !seen.has(request.url)) return seen.add(request.url)
    setTimeout(() => request.resume().on('end', () => response.end('ok')), Number(searchParams.get('wait')))
  }).listen(5240, '${MAAS_ADDRESS}', () => console.log('listening'))
`

/** Two machines, with the proxy on one and MAAS on the other. */
export interface Machines {
  proxy: Program
  maas: Program
  /** Runs a command of ip(8) on one of them. */
  ip: (machine: 'proxy' | 'maas', command: string) => void
  /** Asks the proxy. */
  ask: (method: string, path: string) => Promise<{ status: number, text: string, seconds: number }>
}

let count = 0

/** Makes two network namespaces with a cable between them. @param socket a path for the unix socket of the proxy */
export async function startMachines (t: Test, socket: string): Promise<Machines> {
  const id = `map${process.pid}x${count++}`
  const name = { proxy: `${id}p`, maas: `${id}m` }
  const run = (command: string) => execFileSync('ip', command.split(' '), { timeout: COMMAND_TIMEOUT_MS })
  for (const one of Object.values(name)) {
    run(`netns add ${one}`)
    t.after(() => run(`netns del ${one}`))
  }
  run(`link add way0 netns ${name.proxy} type veth peer name way0 netns ${name.maas}`)
  const ip: Machines['ip'] = (machine, command) => { run(`-n ${name[machine]} ${command}`) }
  configure(ip)
  const start = (machine: 'proxy' | 'maas', command: readonly string[], env: Record<string, string> = {}) => (
    startCommand(t, ['ip', 'netns', 'exec', name[machine], ...command], env)
  )
  const maas = start('maas', [process.execPath, '-e', MAAS])
  await maas.printed('listening')
  const proxy = start('proxy', [...PROGRAM, '--log-level', 'debug', '--listen', `unix:${socket}`], {
    MAAS_URL: `http://${MAAS_ADDRESS}:5240/MAAS`, MAAS_API_KEY: 'c:t:s'
  })
  await proxy.printed('"listening"')
  return {
    proxy,
    maas,
    ip,
    ask: async (method, path) => await ask(socket, method, path)
  }
}

async function ask (socketPath: string, method: string, path: string) {
  const start = performance.now()
  return await new Promise<{ status: number, text: string, seconds: number }>((resolve, reject) => {
    const headers = { host: 'localhost' }
    request({ socketPath, method, path: `/MAAS/api/2.0/${path}`, headers, agent: false }, response => {
      let text = ''
      response.on('data', chunk => { text += chunk }).on('end', () => {
        resolve({ status: response.statusCode as number, text, seconds: (performance.now() - start) / 1000 })
      })
    }).on('error', reject).end()
  })
}
