/**
 * Whether a version of Node is older than another.
 * @param floor as 22.19: what it leaves out is 0
 */
export function isOlder (version: string, floor: string): boolean {
  const have = numbersOf(version)
  const differing = numbersOf(floor).map((wanted, i) => (have[i] || 0) - wanted).find(difference => difference !== 0)
  return differing !== undefined && differing < 0
}

/** A release candidate or a nightly build counts as its release. */
function numbersOf (version: string): number[] {
  return version.split('.').map(part => parseInt(part, 10))
}
