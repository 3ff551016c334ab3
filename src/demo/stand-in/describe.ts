import { createHash } from 'node:crypto'

import { Answer } from './answers.ts'
import { dumps } from './python.ts'
import type { Json } from './python.ts'
import type { Request } from './request.ts'
import type { Release } from './release.ts'
import type { Handler, Resource } from './resource.ts'
import { resourcesOf } from './resources/index.ts'
import type { Store } from './store.ts'
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

function describeApi (release: Release, origin: string): Description {
  const described = resourcesOf(release).map(resource => describeResource(resource, origin))
  const handlers = [...described.map(({ anon }) => anon as Json), ...described.map(({ auth }) => auth as Json)]
    .filter(handler => handler !== null)
  return { doc: 'MAAS API', handlers, resources: described }
}

/** The hashes of the descriptions without an origin. The CLI compares them with the one that it has stored. */
const hashes = new Map<Release, string>()

/** Returns the hash of the description of a version. */
export function apiHash (release: Release): string {
  const hash = hashes.get(release) ?? createHash('sha1').update(dumps(describeApi(release, ''))).digest('hex')
  hashes.set(release, hash)
  return hash
}

/** Answers `describe/`. The CLI accepts exactly the type application/json. Each `uri` has the Host of the request. */
export function describe ({ host }: Request, { release }: Store): Answer {
  const { doc, handlers, resources } =
    describeApi(release, `http://${host}`) as { doc: Json, handlers: Json, resources: Json }
  return new Answer(200, 'application/json', dumps({ doc, handlers, hash: apiHash(release), resources }))
}

/** Answers `openapi.yaml` with the paths only. Its server is the setting `maas_url`, whatever the Host. */
export function openapi (_request: Request, { release, maasUrl }: Store): Answer {
  const paths = resourcesOf(release).map(({ template }) => `  /${template}: {}\n`).join('')
  const document = 'externalDocs:\n  description: MAAS API documentation\n  url: /MAAS/docs/api.html\n' +
    'info:\n  title: MAAS HTTP API\n  version: 2.0.0\nopenapi: 3.1.0\n' +
    `paths:\n${paths}servers:\n- url: ${maasUrl}/api/2.0/\n`
  return new Answer(200, 'application/openapi+yaml', document)
}
