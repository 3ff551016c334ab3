import type { Operation } from '../maas/operations.ts'
import { API_ROOT } from '../policy/segments.ts'
import { shellQuote } from '../text/shell.ts'

/** A line to copy. */
export interface Example {
  /** the tool that the line is for */
  tool: string
  text: string
}

/** The operations of the curl lines. */
const CURL_OPERATIONS: readonly Operation[] = [read('users/', 'whoami'), read('machines/'), read('version/')]

function read (path: string, op: string | null = null): Operation {
  return { method: 'GET', path: API_ROOT + path, op, fromPath: false }
}

/** How a client says who it is. */
type Proof = 'token' | 'certificate' | null

/** The file with the CA of the listener's certificate, as lines call it. */
const CA_FILE = 'CA.pem'

/**
 * Writes lines to copy for a listener. The `Host` of a client has no part in them: it could inject shell code.
 * @param address as {@link ListenerFacts.address}
 * @param proof what the lines have a place for: the token of the client, its certificate, or nothing
 * @param isAllowed whether the rules of the listener allow an operation; the others get no line
 */
export function examplesOf (
  address: string, proof: Proof, isAllowed: (operation: Operation) => boolean
): Example[] {
  const [, socket] = /^unix:(.*)$/s.exec(address) ?? []
  const origin = socket === undefined ? address : 'http://localhost'
  const isSecure = address.startsWith('https:')
  const options = [
    ...isSecure ? ['--cacert', CA_FILE] : [],
    ...socket === undefined ? [] : ['--unix-socket', shellQuote(socket)],
    ...proof === 'token' ? ['-H', "'MAAS-Proxy-Token: TOKEN'"] : [],
    ...proof === 'certificate' ? ['--cert', 'CERT.pem', '--key', 'KEY.pem'] : []
  ]
  const curl = CURL_OPERATIONS.filter(isAllowed).map(({ path, op }) => (
    { tool: 'curl', text: ['curl', ...options, shellQuote(origin + path + (op === null ? '' : `?op=${op}`))].join(' ') }
  ))
  if (socket !== undefined) return curl // these tools know no sockets
  const needsToken = proof === 'token'
  const secret = needsToken ? 'TOKEN' : 'x' // a tool that signs with a key sends the token in it
  const auth = needsToken ? ", auth=('x', 'TOKEN')" : ''
  const cert = proof === 'certificate' ? ", cert=('CERT.pem', 'KEY.pem')" : ''
  const [verify, cacerts] = isSecure ? [`, verify='${CA_FILE}'`, `--cacerts ${CA_FILE} `] : ['', '']
  const python = {
    tool: 'Python', text: `requests.get('${origin}/MAAS/api/2.0/machines/'${auth}${cert}${verify}).json()`
  }
  if (proof === 'certificate') return [...curl, python] // the others have none
  return [
    ...curl,
    { tool: 'maas CLI', text: `maas login ${cacerts}proxied ${origin}/MAAS x:x:${secret}` },
    python,
    {
      tool: 'Ansible',
      text: `cluster_instance: { host: "${origin}/MAAS", customer_key: x, token_key: x, token_secret: ${secret} }`
    }
  ]
}
