import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { HEADER_BUFFERS, rejectConnection } from './front.ts'
import type { User } from './model.ts'
import { serve } from './serve.ts'
import type { StandInRecord } from './serve.ts'
import { createStore, createToken } from './store.ts'

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

/** Starts a stand-in for the API of MAAS 3.4, including the nginx in front of it. Each start makes new keys. */
export async function startStandIn (options: StandInOptions = {}): Promise<StandIn> {
  const { host = '127.0.0.1', port = 0, now = systemClock, onRequest } = options
  const store = createStore(now)
  const records: StandInRecord[] = []
  const record = (entry: StandInRecord) => {
    if (records.push(entry) > RECORDS_KEPT) records.shift()
    onRequest?.(entry)
  }
  const maxHeaderSize = HEADER_BUFFERS.count * HEADER_BUFFERS.size
  const serverOptions = { maxHeaderSize, requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE_MS }
  const server = createServer(serverOptions, (request, response) => { void serve(request, response, store, record) })
  server.on('clientError', rejectConnection)
  const keyOf = (user: User): StandInKey => {
    const { consumer, key, secret } = createToken(store, user)
    return { consumer, token: key, secret, user: user.username, admin: user.superuser, password: user.password }
  }
  const [admin, user] = [...store.users.values()].map(keyOf) as [StandInKey, StandInKey]

  server.listen(port, host)
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { url: `http://${host}:${bound}/MAAS`, port: bound, admin, user, records, close }
}

function systemClock (): number {
  return Math.floor(Date.now() / 1000)
}
