import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

interface Test { after: (close: () => unknown) => void }

/** A server that answers every request with 200 and its own address, and closes. */
const SERVER = `
  const [host, port] = process.argv.slice(1)
  const answer = 'HTTP/1.1 200 OK\\r\\nContent-Length: ' + host.length + '\\r\\n\\r\\n' + host
  const onConnection = socket => socket.on('error', () => {}).once('data', () => socket.end(answer))
  require('node:net').createServer(onConnection).listen(Number(port), host, 1, () => console.log('listening'))
`

/**
 * A server whose host drops SYNs, until it is woken: the client's system repeats them after one second, and after
 * three.
 */
export interface DeafServer {
  /** From now on the server accepts connections. */
  wake: () => void
}

/**
 * Starts a process that listens, stops it, and fills its queue of connections.
 * @param host an address of this machine
 */
export async function deafServer (t: Test, host: string, port: number): Promise<DeafServer> {
  const child = spawn(process.execPath, ['-e', SERVER, host, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  for (let isFull = false; !isFull;) {
    const socket: Socket = connect(port, host).on('error', () => {})
    t.after(() => socket.destroy())
    isFull = await Promise.race([once(socket, 'connect').then(() => false), wait(400).then(() => true)])
  }
  return { wake: () => { child.kill('SIGCONT') } }
}
