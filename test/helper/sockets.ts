import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

interface Test { after: (close: () => unknown) => void }

/** A bare TCP server: what a proxy really wrote, and an answer that is exactly what the test says. */
export interface RawUpstream {
  port: number
  url: string
  /** the connections so far, in the order they came */
  sockets: Socket[]
  /** everything that was received, over all connections */
  received: () => string
  /** resolves when the text, or one that fits the pattern, has been received */
  sawText: (wanted: string | RegExp) => Promise<void>
}

/** An answer with a length; `connection: close` keeps each test on a connection of its own. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/**
 * Listens on a free port and answers every request head with `answer`: bytes, or a function that gets the socket.
 */
export async function rawUpstream (
  t: Test, answer: string | ((socket: Socket, head: string) => void) = OK
): Promise<RawUpstream> {
  let received = ''
  const sockets: Socket[] = []
  const watchers = new Set<() => void>()
  const server = createServer(socket => {
    sockets.push(socket)
    let head = ''
    socket.on('error', () => {})
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      for (const check of watchers) check()
      if (head.includes('\r\n\r\n')) return
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      if (typeof answer === 'string') socket.write(answer, 'latin1')
      else answer(socket, head)
    })
  })
  const port = await listenOn(t, server, sockets)
  return { port, url: `http://127.0.0.1:${port}/MAAS`, sockets, received: () => received, sawText }

  async function sawText (wanted: string | RegExp): Promise<void> {
    await new Promise<void>(resolve => {
      const check = () => {
        if (typeof wanted === 'string' ? !received.includes(wanted) : !wanted.test(received)) return
        watchers.delete(check)
        resolve()
      }
      watchers.add(check)
      check()
    })
  }
}

/**
 * A bare server that keeps its connections open: each piece that arrives is kept, and dealt with by the test.
 * @param tls null for none
 */
export async function keptUpstream (
  t: Test, onRequest: (socket: Socket, request: string, index: number) => void, tls: TlsOptions | null = null
) {
  const requests: string[] = []
  const sockets: Socket[] = []
  const onConnection = (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      const request = chunk.toString('latin1')
      onRequest(socket, request, requests.push(request) - 1)
    })
  }
  const server = tls === null ? createServer(onConnection) : createTlsServer(tls, onConnection).on('tlsClientError', () => {})
  return { port: await listenOn(t, server, sockets), requests, sockets }
}

/** Listens on a free loopback port; the test's end closes the server and what is connected to it. */
export async function listenOn (t: Test, server: Server, sockets: readonly Socket[] = []): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Sends bytes on a connection of its own and collects what comes back until the other side ends it. */
export async function exchange (port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes, 'latin1')
  return await readAll(socket)
}

/** Collects everything until the connection is over, however it ends. */
export async function readAll (socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', chunk => { text += chunk.toString('latin1') })
  socket.on('error', () => {})
  await closed(socket)
  return text
}

/** Waits until a connection is over, however it ends. */
export async function closed (socket: Socket | undefined): Promise<void> {
  if (socket !== undefined && !socket.closed) await new Promise(resolve => socket.once('close', resolve))
}

/** A whole request of raw bytes: the lines of its head, then its body. */
export function request (lines: readonly string[], body = ''): string {
  return [...lines, 'Connection: close', '', body].join('\r\n')
}

/** A GET of raw bytes for a target. */
export function get (target: string, ...fields: string[]): string {
  return request([`GET ${target} HTTP/1.1`, 'Host: localhost', ...fields])
}

/** The body of an answer of raw bytes, which has to be JSON. */
export function jsonBody (answer: string): { error?: { code: string, message: string, remedy: string } } {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
}

/** The lines of the head of a raw message. */
export function headLines (message: string): string[] {
  return message.slice(0, message.indexOf('\r\n\r\n')).split('\r\n')
}

/** Takes the signature and the name of the process out of lines of a head, where they are others every time. */
export function withoutSignature (lines: readonly string[]): string[] {
  return lines.map(line => line.replace(/^(authorization: OAuth|via: 1\.1 maas-auth-proxy)[ -].*/i, '$1'))
}

/** A directory for sockets, whose paths have to be short. */
export function socketDir (t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'map-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

/** A free port of loopback, for a program that is told its port. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
