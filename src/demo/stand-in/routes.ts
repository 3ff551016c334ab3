import type { Release } from './release.ts'
import type { Resource } from './resource.ts'
import { resourcesOf } from './resources/index.ts'
import type { Store } from './store.ts'

/** The root of all resources. */
export const API = '/MAAS/api/2.0/'

/** The resource of a path, the variable parts of the path, and the operation that it names, if any. */
export interface Match { resource: Resource, args: string[], op: string | null }

/** Returns the names in braces of a template, in order. */
export function parameterNames (template: string): string[] {
  return Array.from(template.matchAll(/\{(\w+)\}/g), match => match[1] as string)
}

/** Returns the names of operations other than the four plain methods. */
function operationNames ({ auth }: Resource): string[] {
  return Object.keys(auth?.operations ?? {}).flatMap(signature => signature.split(' ').slice(1))
}

/**
 * The patterns of paths (maasserver/urls_api.py): each template, and the same with `op-NAME` at its end, without a
 * slash, for the operations of the authenticated handler.
 */
function patternsOf (release: Release): Pattern[] {
  return resourcesOf(release).map(resource => {
    const path = resource.template.replace(MANY_SEGMENTS, '(.+)').replace(/\{\w+\}/g, '([^/]+)')
    const ops = operationNames(resource)
    const operation = ops.length > 0 ? new RegExp(`^${path}op-(${ops.join('|')})$`, 's') : /(?!)/
    return { resource, plain: new RegExp(`^${path}$`, 's'), operation }
  })
}

/** The variable parts that match slashes: names of files, and subnets by CIDR. */
const MANY_SEGMENTS = /\{filename\}|\{cidr\}/

interface Pattern { resource: Resource, plain: RegExp, operation: RegExp }

const patterns = new Map<Release, Pattern[]>()

/** Finds the resource of a decoded path; null if there is none. */
export function route (path: string, { release }: Store): Match | null {
  const below = path.slice(API.length)
  const known = patterns.get(release) ?? patternsOf(release)
  patterns.set(release, known)
  for (const { resource, plain, operation } of known) {
    const [, ...args] = plain.exec(below) ?? []
    if (plain.test(below)) return { resource, args, op: null }
    const named = operation.exec(below)
    if (named !== null) return { resource, args: named.slice(1, -1), op: named.at(-1) as string }
  }
  return null
}
