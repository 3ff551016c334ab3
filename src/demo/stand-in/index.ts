import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import { acceptAnyMethod } from './any-method.ts'
import { HEADER_LIMIT, rejectConnection } from './front.ts'
import type { User } from './model.ts'
import type { MaasVersion } from './release.ts'
import { serve } from './serve.ts'
import type { StandInRecord } from './serve.ts'
import { createStore, createToken } from './store.ts'

export { VERSIONS } from './release.ts'
export type { MaasVersion } from './release.ts'
export type { StandInRecord } from './serve.ts'

/** An API key and its user. */
export interface StandInKey {
  consumer: string
  token: string
  secret: string
  user: string
  admin: boolean
  password: string
}

/** The options of a stand-in. */
export interface StandInOptions {
  /** The version of MAAS to answer as. Default: 3.7 */
  version?: MaasVersion
  /** Default: 127.0.0.1 */
  host?: string
  /** Default: 0, a free port */
  port?: number
  /** The region's clock, in seconds since the epoch. Default: the system's */
  now?: () => number
  /** Called once per request, before its answer is sent. */
  onRequest?: (record: StandInRecord) => void
}

/** A running stand-in. */
export interface StandIn {
  /** The MAAS URL, `http://127.0.0.1:PORT/MAAS`. */
  url: string
  port: number
  /** The administrator's key. */
  admin: StandInKey
  /** The plain user's key. */
  user: StandInKey
  /** The last requests, oldest first. */
  records: StandInRecord[]
  close (): Promise<void>
}

const RECORDS_KEPT = 1000
const KEEP_ALIVE_MS = 65_000

/** Starts a stand-in for the API of MAAS, including the nginx in front of it. Each start makes new keys. */
export async function startStandIn (options: StandInOptions = {}): Promise<StandIn> {
  const { version = '3.7', host = '127.0.0.1', port = 0, now = systemClock, onRequest } = options
  const store = createStore(version, now)
  const records: StandInRecord[] = []
  const record = (entry: StandInRecord) => {
    if (records.push(entry) > RECORDS_KEPT) records.shift()
    onRequest?.(entry)
  }
  const serverOptions = { maxHeaderSize: HEADER_LIMIT, requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE_MS }
  const http = createHttpServer(serverOptions, (request, response) => { void serve(request, response, store, record) })
  http.on('clientError', rejectConnection)
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => { sockets.delete(socket) })
    acceptAnyMethod(socket, accepted => { http.emit('connection', accepted) })
  })
  const keyOf = (username: string): StandInKey => {
    const user = store.users.get(username) as User
    const { consumer, key, secret } = createToken(store, user)
    return { consumer, token: key, secret, user: username, admin: user.superuser, password: user.password }
  }
  const [admin, user] = [keyOf('admin'), keyOf('user')]

  server.listen(port, host)
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  store.maasUrl = `http://${host.includes(':') ? `[${host}]` : host}:${bound}/MAAS`
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { url: store.maasUrl, port: bound, admin, user, records, close }
}

function systemClock (): number {
  return Math.floor(Date.now() / 1000)
}
