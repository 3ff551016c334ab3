import { createHash } from 'node:crypto'

import { Answer } from './answers.ts'
import { dumps } from './python.ts'
import type { Json } from './python.ts'
import type { Request } from './request.ts'
import type { Handler, Resource } from './resource.ts'
import { resources } from './resources/index.ts'
import { API, parameterNames } from './routes.ts'

const CRUD: Record<string, string> = { POST: 'create', GET: 'read', PUT: 'update', DELETE: 'delete' }

type Description = { [name: string]: Json }

/** Describes operations with method, op and the CLI's name for it (maasserver/api/doc.py, describe_actions). */
function describeActions ({ operations }: Handler): Description[] {
  return Object.entries(operations).map(([signature, { doc }]) => {
    const [method, op] = signature.split(' ') as [string, string?]
    return { doc, method, name: op ?? CRUD[method] as string, op: op ?? null, restful: op === undefined }
  }).sort((a, b) => a.name < b.name ? -1 : 1)
}

function describeHandler (handler: Handler | null, template: string, origin: string): Description | null {
  if (handler === null) return null
  const path = `${API}${template}`
  const params = parameterNames(template)
  const { doc, name } = handler
  return { actions: describeActions(handler), doc, name, params, path, uri: `${origin}${path}` }
}

function describeResource ({ template, anon, auth }: Resource, origin: string): Description {
  const name = (auth ?? anon as Handler).name
  return { anon: describeHandler(anon, template, origin), auth: describeHandler(auth, template, origin), name }
}

function describeApi (origin: string): Description {
  const described = resources.map(resource => describeResource(resource, origin))
  const handlers = [...described.map(({ anon }) => anon as Json), ...described.map(({ auth }) => auth as Json)]
    .filter(handler => handler !== null)
  return { doc: 'MAAS API', handlers, resources: described }
}

/** The hash of the description without an origin. The CLI compares it with the one that it has stored. */
export const API_HASH = createHash('sha1').update(dumps(describeApi(''))).digest('hex')

/** Answers `describe/`. The CLI accepts exactly the type application/json. Each `uri` has the Host of the request. */
export function describe ({ host }: Request): Answer {
  const { doc, handlers, resources } = describeApi(`http://${host}`) as { doc: Json, handlers: Json, resources: Json }
  return new Answer(200, 'application/json', dumps({ doc, handlers, hash: API_HASH, resources }))
}

/** Answers `openapi.yaml` with the paths only. */
export function openapi ({ host }: Request): Answer {
  const paths = resources.map(({ template }) => `  /${template}: {}\n`).join('')
  const document = 'openapi: 3.0.0\ninfo:\n  title: MAAS API\n  version: 2.0.0\n' +
    `servers:\n- url: http://${host}/MAAS/api/2.0/\npaths:\n${paths}`
  return new Answer(200, 'application/openapi+yaml', document)
}
