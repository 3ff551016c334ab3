import { fstatSync, readdirSync, readFileSync } from 'node:fs'
import { SocketAddress } from 'node:net'
import type { ListenAddress, TcpAddress, UnixAddress } from './address.ts'
import type { Environment } from '../environment.ts'

/** The number of the first passed descriptor (sd_listen_fds(3)). */
const FIRST_FD = 3

/** The directory of the kernel's socket tables, for our network namespace (proc(5)). */
const TABLES = '/proc/self/net'

const TCP_LISTEN = '0A'
const SO_ACCEPTCON = '00010000'
const SOCK_STREAM = '0001'

/** The format of a socket table. */
interface TableReader {
  /** the column of the inode */
  inode: number
  /** Reads the address of a line; null unless the socket listens. */
  read: (columns: readonly string[]) => TcpAddress | UnixAddress | null
}

const READERS: ReadonlyMap<string, TableReader> = new Map([
  ['tcp', { inode: 9, read: columns => tcpAddress(columns, 'ipv4') }],
  ['tcp6', { inode: 9, read: columns => tcpAddress(columns, 'ipv6') }],
  ['unix', { inode: 6, read: unixAddress }]
])

/** The part of a report on settings that this file needs. */
interface ProblemReport {
  problem: (text: string) => void
}

/**
 * Finds the listening sockets that systemd passed to this process (sd_listen_fds(3)). It reads their addresses from the
 * kernel, because Node knows the address of a TCP socket only once the socket is used, and that of a unix socket never.
 * @param report receives a message for each descriptor that is not a listening stream socket
 * @returns the addresses in the order of the descriptors; empty if systemd passed no socket to this process
 */
export function inheritedListeners (environment: Environment, report: ProblemReport): ListenAddress[] {
  if (environment['LISTEN_PID'] !== String(process.pid)) return []
  const addresses: ListenAddress[] = []
  for (let fd = FIRST_FD; fd < FIRST_FD + Number(environment['LISTEN_FDS']); fd++) {
    const address = addressOf(fd)
    if (address !== null) {
      addresses.push({ ...address, fd })
    } else {
      const remedy = 'a socket unit has ListenStream= and no Accept=yes'
      report.problem(`LISTEN_FDS: descriptor ${fd} is not a listening stream socket; ${remedy}`)
    }
  }
  return addresses
}

function addressOf (fd: number): TcpAddress | UnixAddress | null {
  const inode = inodeOf(fd)
  if (inode === null) return null
  for (const name of readdirSync(TABLES)) {
    const reader = READERS.get(name)
    if (reader === undefined) continue
    const lines = readFileSync(`${TABLES}/${name}`, 'utf8').split('\n').map(line => line.trim().split(/ +/))
    const columns = lines.find(columns => columns[reader.inode] === inode)
    if (columns !== undefined) return reader.read(columns)
  }
  return null
}

function inodeOf (fd: number): string | null {
  try {
    const stats = fstatSync(fd)
    return stats.isSocket() ? String(stats.ino) : null
  } catch {
    return null // there is no such descriptor
  }
}

/** Reads an address as the kernel prints it: words of 32 bits in the machine's byte order, and a port, all in hex. */
function tcpAddress ([, local = '', , state]: readonly string[], family: 'ipv4' | 'ipv6'): TcpAddress | null {
  if (state !== TCP_LISTEN) return null
  const [words = '', port = ''] = local.split(':')
  const numbers = Uint32Array.from(words.matchAll(/.{8}/g), ([word]) => Number.parseInt(word, 16))
  const bytes = Buffer.from(numbers.buffer)
  const address = family === 'ipv4' ? bytes.join('.') : bytes.toString('hex').replace(/.{4}(?=.)/g, '$&:')
  return { host: new SocketAddress({ address, family }).address, port: Number.parseInt(port, 16) }
}

function unixAddress ([, , , flags, type, , , ...path]: readonly string[]): UnixAddress | null {
  return flags === SO_ACCEPTCON && type === SOCK_STREAM ? { path: path.join(' ') } : null
}
