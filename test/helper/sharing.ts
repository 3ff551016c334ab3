import type { Flags } from '../../src/settings/setting-input.ts'
import type { Socket } from 'node:net'
import { type LogRecord, startTestProxy, type TestProxy, testConfig } from './proxy.ts'
import { exchange, get, OK, type RawUpstream, rawUpstream } from './sockets.ts'
import { until } from './until.ts'

/** What tests need of tap's test object. */
export type Test = Parameters<typeof rawUpstream>[0]

export const MACHINES = '/MAAS/api/2.0/machines/'
export const LIST = get(MACHINES)

/** The answer to the question whose key it is, which the proxy asks when it starts. */
const USER = '{"username":"admin"}'
export const WHOAMI = `HTTP/1.1 200 OK\r\nContent-Length: ${USER.length}\r\nConnection: close\r\n\r\n${USER}`

/** A request that MAAS has got and not answered. */
export interface Held { socket: Socket, head: string }

/** A proxy that lets MAAS work on one request at a time, and a MAAS whose answers the test gives. */
export interface Pair { proxy: TestProxy, held: Held[] }

/** Starts a MAAS that answers nothing but whose the key is. */
export async function startMaas (t: Test): Promise<{ upstream: RawUpstream, held: Held[] }> {
  const held: Held[] = []
  const upstream = await rawUpstream(t, (socket, head) => {
    if (head.includes('whoami')) socket.write(WHOAMI)
    else held.push({ socket, head })
  })
  return { upstream, held }
}

export async function startPair (t: Test, flags: Flags = {}): Promise<Pair & { upstream: RawUpstream }> {
  const { upstream, held } = await startMaas(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { maxMaasRequests: ['1'], shareReads: ['true'], ...flags }))
  return { proxy, upstream, held }
}

/** The value of a metric. */
export const value = async (proxy: TestProxy, name: string) => (
  Number(new RegExp(`^maas_auth_proxy_${name} (\\d+)$`, 'm').exec(await exchange(proxy.port, get('/-/metrics')))?.[1])
)

/** Waits until so many requests wait for their turn. */
export async function waiting (proxy: TestProxy, count: number): Promise<void> {
  await until(`${count} wait`, async () => await value(proxy, 'upstream_requests{state="waiting"}') === count)
}

/** Sends a request that has the only turn until the test calls what is returned. */
export async function plug ({ proxy, held }: Pair, answer = OK): Promise<() => Promise<void>> {
  const count = held.length
  const plugged = exchange(proxy.port, get('/MAAS/api/2.0/zones/'))
  await until('the turn is taken', () => held.length === count + 1)
  return async () => {
    held[count]?.socket.write(answer)
    await plugged
  }
}

/** Sends reads of the list that wait together. @returns their answers, and the connection on which MAAS has got one */
export async function shareList (
  pair: Pair, count: number
): Promise<{ answers: Array<Promise<string>>, socket: Socket }> {
  const { proxy, held } = pair
  const unplug = await plug(pair)
  const first = held.length
  const answers = Array.from({ length: count }, async () => await exchange(proxy.port, LIST))
  await waiting(proxy, count)
  await unplug()
  await until('it is sent', () => held.length === first + 1)
  return { answers, socket: (held[first] as Held).socket }
}

/** Answers what reaches MAAS, until all is over. @param first the place of the first request to answer */
export async function answerAll ({ held }: Pair, first: number, isOver: () => boolean): Promise<void> {
  for (let next = first; !isOver();) {
    await until('another request comes, or all is over', () => held.length > next || isOver())
    if (held.length > next) held[next++]?.socket.write(OK)
  }
}

/** Whether a record is of a request for the list. */
export const ofList = ({ msg, path }: LogRecord) => msg === 'request' && path === MACHINES

/** The records of the requests for the list, as soon as there are so many. */
export async function records (proxy: TestProxy, count: number): Promise<LogRecord[]> {
  await until('all are recorded', () => proxy.log.filter(ofList).length >= count)
  return proxy.log.filter(ofList)
}
