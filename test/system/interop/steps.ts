import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'

/** One request as a client is told to make it. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** below the API, without a query, percent-encoded as it goes on the wire */
  path: string
  query?: Record<string, string>
  /** go into a form: multipart with POST, as MAAS documents it, and urlencoded with PUT */
  fields?: Record<string, string>
  /** path of the file to send as the part `file` */
  file?: string
}

/** What a client got. */
export interface Answer { status: number, body: Buffer }

/** What later steps need of earlier ones. */
export interface Found { machine: string, file: string }

export interface Step {
  name: string
  call: (found: Found, upload: string) => Call
  status: number
  /** whether the body is what it has to be; notes what later steps need */
  fits: (body: Buffer, found: Found) => boolean
}

/** Several MB in which every byte occurs, so that whatever recodes or cuts a body is seen. */
export const CONTENT = randomBytes(3_000_000)

/** What the tag is given: everything that one of the two kinds of form has to escape. */
const COMMENT = 'a & b = "c" + 100 % ü'

const json = (body: Buffer) => JSON.parse(body.toString())
const isText = (text: string) => (body: Buffer) => body.toString() === text
const isEmpty = isText('')

/** What every client does, in this order; it ends with everything as it was. */
export const STEPS: readonly Step[] = [
  { name: 'reads what MAAS serves to anyone', call: () => ({ method: 'GET', path: 'version/' }), status: 200, fits: body => json(body).version === '3.7.3' },
  { name: 'reads as the user of the key', call: () => ({ method: 'GET', path: 'users/', query: { op: 'whoami' } }), status: 200, fits: body => json(body).username === 'admin' },
  { name: 'reads with a query', call: () => ({ method: 'GET', path: 'machines/', query: { hostname: 'calm-heron' } }), status: 200, fits: body => isDeepStrictEqual(json(body).map((machine: { system_id: string }) => machine.system_id), ['tb3h8w']) },
  { name: 'creates', call: () => ({ method: 'POST', path: 'tags/', fields: { name: 'interop', comment: COMMENT } }), status: 200, fits: body => json(body).comment === COMMENT },
  { name: 'updates', call: () => ({ method: 'PUT', path: 'tags/interop/', fields: { comment: `${COMMENT}!` } }), status: 200, fits: body => json(body).comment === `${COMMENT}!` },
  {
    name: 'creates a machine',
    call: () => ({ method: 'POST', path: 'machines/', fields: { architecture: 'amd64', mac_addresses: '00:16:3e:00:00:77', hostname: 'interop', commission: 'false' } }),
    status: 200,
    fits: (body, found) => (found.machine = json(body).system_id) !== '' && 'owner_data' in json(body) // which an enlisted one has not
  },
  { name: 'deletes a machine', call: ({ machine }) => ({ method: 'DELETE', path: `machines/${machine}/` }), status: 204, fits: isEmpty },
  { name: 'uploads', call: (_found, upload) => ({ method: 'POST', path: 'files/', fields: { filename: 'interop.bin' }, file: upload }), status: 201, fits: isEmpty },
  { name: 'downloads', call: () => ({ method: 'GET', path: 'files/', query: { op: 'get', filename: 'interop.bin' } }), status: 200, fits: body => body.equals(CONTENT) },
  {
    name: 'reads a file with its content',
    call: () => ({ method: 'GET', path: 'files/interop.bin/' }),
    status: 200,
    fits: (body, found) => (found.file = String(new URLSearchParams(json(body).anon_resource_uri).get('key'))) !== '' && Buffer.from(json(body).content, 'base64').equals(CONTENT)
  },
  { name: 'downloads by the key of the file', call: ({ file }) => ({ method: 'GET', path: 'files/', query: { op: 'get_by_key', key: file } }), status: 200, fits: body => body.equals(CONTENT) },
  { name: 'deletes a file', call: () => ({ method: 'DELETE', path: 'files/interop.bin/' }), status: 204, fits: isEmpty },
  { name: 'deletes', call: () => ({ method: 'DELETE', path: 'tags/interop/' }), status: 204, fits: isEmpty },
  { name: 'is told that a thing is not there', call: () => ({ method: 'GET', path: 'tags/interop/' }), status: 404, fits: isText('No Tag matches the given query.') },
  { name: 'is told what is wrong with a form', call: () => ({ method: 'POST', path: 'tags/', fields: { comment: 'nameless' } }), status: 400, fits: body => isDeepStrictEqual(json(body), { name: ['This field is required.'] }) },
  { name: 'is told of a conflict', call: () => ({ method: 'POST', path: 'machines/', query: { op: 'allocate' }, fields: { name: 'nosuch' } }), status: 409, fits: body => body.toString().startsWith('No available machine matches constraints') }
]
