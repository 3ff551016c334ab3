import { readFile } from 'node:fs/promises'

/** The tables of Linux with the TCP connections of the network namespace of this process (proc_net_tcp(5)). */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'] as const

/**
 * The TCP connections whose other side does not answer, as {@link portsOf} names them: it does not acknowledge what was
 * sent to it, or what the system asks it. Only the system knows that, and Node does not ask it.
 * @param paths the tables
 * @returns an empty set where the system has no such tables: it is then unknown which connections these are
 */
export async function unansweredConnections (paths: readonly string[] = TABLES): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(paths.map(async path => await readFile(path, 'latin1').catch(() => '')))
  return parseTables(texts.join('\n'))
}

/** A line of a table: the ports in hexadecimal, how often something was sent again, how many questions are open. */
const LINE =
  /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} \S+ \S+ ([0-9A-F]{8}) +\d+ +(\d+) /gm

/**
 * Parses tables. Two connections may have the same ports, with different addresses; such a pair counts if neither is
 * answered.
 */
export function parseTables (text: string): ReadonlySet<string> {
  const answered = new Set<string>()
  const unanswered = new Set<string>()
  for (const [, local = '', remote = '', retransmits, probes] of text.matchAll(LINE)) {
    const isAnswered = retransmits === '00000000' && probes === '0'
    const connections = isAnswered ? answered : unanswered
    connections.add(portsOf(parseInt(local, 16), parseInt(remote, 16)))
  }
  for (const ports of answered) unanswered.delete(ports)
  return unanswered
}

/** The name of a connection in the set of {@link unansweredConnections}. */
export function portsOf (localPort: number | undefined, remotePort: number | undefined): string {
  return `${localPort} ${remotePort}`
}
