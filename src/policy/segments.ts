/** Resources whose one parameter may have slashes in it: a file name, a CIDR (`urls_api.py`). */
const SLASHED: ReadonlySet<string> = new Set(['files', 'subnets'])

/** Segments below a node that MAAS's routes take in the singular too (`partitions?`, `volume-groups?`). */
const SINGULAR: Readonly<Record<string, string>> = { partition: 'partitions', 'volume-group': 'volume-groups' }

/**
 * Cuts a path into the segments that MAAS's routes have, so that a rule cannot be got round by another spelling of the same
 * resource: a parameter with slashes is one segment, a singular that MAAS takes is the plural, a slash at the end is none.
 * @param path relative to the API's root, decoded, slashes collapsed
 */
export function segmentsOf (path: string): string[] {
  const segments = path.split('/').filter(segment => segment !== '')
  const [first = '', ...rest] = segments
  const resource = first === 'pods' ? 'vm-hosts' : first // the old name, which MAAS still takes
  if (SLASHED.has(resource) && rest.length > 1) return [resource, rest.join('/')]
  if (resource !== 'nodes') return first === '' ? [] : [resource, ...rest]
  return segments.map(segment => Object.hasOwn(SINGULAR, segment) ? SINGULAR[segment] as string : segment)
}
