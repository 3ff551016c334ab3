import { resources } from './resources/index.ts'
import type { Resource } from './resource.ts'

/** Where every resource hangs. */
export const API = '/MAAS/api/2.0/'

/** A resource found for a path, with the variable parts of the path and the operation that the path may name. */
export interface Match { resource: Resource, args: string[], op: string | null }

/** The names in braces of a template, in order. */
export function parameterNames (template: string): string[] {
  return Array.from(template.matchAll(/\{(\w+)\}/g), match => match[1] as string)
}

/** The operations a handler exports beside the four plain ones. */
function operationNames ({ auth }: Resource): string[] {
  return Object.keys(auth?.operations ?? {}).flatMap(signature => signature.split(' ').slice(1))
}

/**
 * maasserver/urls_api.py: each path, and behind it `op-NAME`, without a slash at the end, for what the authenticated handler
 * exports. `{filename}` alone takes slashes.
 */
const patterns = resources.map(resource => {
  const path = resource.template.replace('{filename}', '(.+)').replace(/\{\w+\}/g, '([^/]+)')
  const ops = operationNames(resource)
  return { resource, plain: new RegExp(`^${path}$`, 's'), operation: ops.length > 0 ? new RegExp(`^${path}op-(${ops.join('|')})$`, 's') : /(?!)/ }
})

/** Finds the resource for a decoded path, null if there is none. */
export function route (path: string): Match | null {
  const below = path.slice(API.length)
  for (const { resource, plain, operation } of patterns) {
    const [, ...args] = plain.exec(below) ?? []
    if (plain.test(below)) return { resource, args, op: null }
    const named = operation.exec(below)
    if (named !== null) return { resource, args: named.slice(1, -1), op: named.at(-1) as string }
  }
  return null
}
