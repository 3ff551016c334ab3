import { readFile } from 'node:fs/promises'

/** The tables of Linux with the TCP connections of the network namespace of this process (proc_net_tcp(5)). */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'] as const

/**
 * The TCP connections whose other side does not answer, as {@link portsOf} names them: it does not acknowledge what was
 * sent to it, or what the system asks it. Only the system knows that, and Node does not ask it.
 * @returns an empty set where the system has no such tables: it is then unknown which connections these are
 */
export async function unansweredConnections (): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(TABLES.map(async path => await readFile(path, 'latin1').catch(() => '')))
  return parseTables(texts.join('\n'))
}

/**
 * Parses tables. Two connections may have the same ports, with different addresses; such a pair counts if neither is
 * answered.
 */
export function parseTables (text: string): ReadonlySet<string> {
  const answered = new Set<string>()
  const unanswered = new Set<string>()
  for (const line of text.split('\n')) {
    const [, local = '', remote = '', , , , retransmits = '0', , probes = '0'] = line.trim().split(/\s+/)
    const isAnswered = parseInt(retransmits, 16) === 0 && probes === '0'
    const ports = portsOf(portOf(local), portOf(remote))
    if (isAnswered) answered.add(ports)
    else unanswered.add(ports)
  }
  for (const ports of answered) unanswered.delete(ports)
  return unanswered
}

/** The name of a connection in the set of {@link unansweredConnections}. */
export function portsOf (localPort: number | undefined, remotePort: number | undefined): string {
  return `${localPort} ${remotePort}`
}

/** The port of an address in a table: `0100007F:1538`. */
function portOf (address: string): number {
  return parseInt(address.slice(address.indexOf(':') + 1), 16)
}
