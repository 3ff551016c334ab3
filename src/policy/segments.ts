/** The root that paths of rules are relative to. Of other paths, rules match only by `**`. */
export const API_ROOT = '/MAAS/api/2.0/'

/** Resources whose only parameter may contain slashes: a file name, a CIDR (`urls_api.py`). */
const SLASHED: ReadonlySet<string> = new Set(['files', 'subnets'])

/** Segments below a node that MAAS's routes accept in the singular too (`partitions?`, `volume-groups?`). */
const SINGULAR: Readonly<Record<string, string>> = { partition: 'partitions', 'volume-group': 'volume-groups' }

/**
 * Splits a path into the segments of MAAS's routes, in one form for all spellings of a resource, so that no spelling
 * evades a rule: a parameter with slashes is one segment, a singular that MAAS accepts becomes the plural, and a slash
 * at the end is ignored.
 * @param path relative to the API's root, decoded, slashes collapsed
 */
export function segmentsOf (path: string): string[] {
  const segments = path.split('/').filter(segment => segment !== '')
  const [first = '', ...rest] = segments
  const resource = first === 'pods' ? 'vm-hosts' : first // MAAS still accepts the old name
  if (SLASHED.has(resource) && rest.length > 1) return [resource, rest.join('/')]
  if (resource !== 'nodes') return first === '' ? [] : [resource, ...rest]
  return segments.map(segment => Object.hasOwn(SINGULAR, segment) ? SINGULAR[segment] as string : segment)
}

/**
 * Splits an absolute path.
 * @returns the segments below the API's root; none for another path, so that only `**` matches it
 */
export function relativeSegments (path: string): readonly string[] {
  return path.startsWith(API_ROOT) ? segmentsOf(path.slice(API_ROOT.length)) : []
}
