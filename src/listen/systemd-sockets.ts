import { fstatSync, readdirSync, readFileSync } from 'node:fs'
import { SocketAddress } from 'node:net'
import type { ListenAddress, TcpAddress, UnixAddress } from './address.ts'
import type { Environment } from '../environment.ts'

/** The descriptor that is passed first (sd_listen_fds(3)). */
const FIRST = 3

/** The kernel's tables of the sockets in our network namespace (proc(5)). */
const TABLES = '/proc/self/net'

/** How a line of a table is read: the column of the inode, and the address, null unless the socket listens. */
const READERS: ReadonlyMap<string, { inode: number, read: (columns: readonly string[]) => TcpAddress | UnixAddress | null }> = new Map([
  ['tcp', { inode: 9, read: columns => tcpAddress(columns, 'ipv4') }],
  ['tcp6', { inode: 9, read: columns => tcpAddress(columns, 'ipv6') }],
  ['unix', { inode: 6, read: unixAddress }]
])

/**
 * Finds the sockets that systemd, or whoever speaks its protocol, has passed to this process to listen on. Their addresses are
 * looked up here because node tells that of a TCP socket only once it is used, and that of a unix socket never.
 * @param problems gets a line for each descriptor that cannot be listened on
 * @returns an address each, in order; none where nothing was passed, or not to this process
 */
export function inheritedListeners (environment: Environment, problems: string[]): ListenAddress[] {
  if (environment['LISTEN_PID'] !== String(process.pid)) return []
  const addresses: ListenAddress[] = []
  for (let fd = FIRST; fd < FIRST + Number(environment['LISTEN_FDS']); fd++) {
    const address = addressOf(fd)
    if (address === null) problems.push(`LISTEN_FDS: descriptor ${fd} is no stream socket that listens; a socket unit has ListenStream= and no Accept=yes`)
    else addresses.push({ ...address, fd })
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

/** Reads an address as the kernel prints it: words of 32 bits in the machine's own order, and a port. */
function tcpAddress ([, local = '', , state]: readonly string[], family: 'ipv4' | 'ipv6'): TcpAddress | null {
  const [words = '', port = ''] = local.split(':')
  const bytes = Buffer.from(Uint32Array.from(words.matchAll(/.{8}/g), ([word]) => Number.parseInt(word, 16)).buffer)
  const address = family === 'ipv4' ? bytes.join('.') : bytes.toString('hex').replace(/.{4}(?=.)/g, '$&:')
  return state === TCP_LISTEN ? { host: new SocketAddress({ address, family }).address, port: Number.parseInt(port, 16) } : null
}

function unixAddress ([, , , flags, type, , , ...path]: readonly string[]): UnixAddress | null {
  return flags === SO_ACCEPTCON && type === SOCK_STREAM ? { path: path.join(' ') } : null
}

const TCP_LISTEN = '0A'
const SO_ACCEPTCON = '00010000'
const SOCK_STREAM = '0001'
