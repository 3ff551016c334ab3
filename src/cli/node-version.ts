/**
 * Whether a version of Node is older than another.
 * @param version a version as 22.19.0
 * @param minimum a version as 22.19; missing numbers are 0
 */
export function isOlder (version: string, minimum: string): boolean {
  const numbers = numbersOf(version)
  const differences = numbersOf(minimum).map((number, i) => (numbers[i] || 0) - number)
  const first = differences.find(difference => difference !== 0)
  return first !== undefined && first < 0
}

/** The numbers of a version. A release candidate or a nightly build counts as its release. */
function numbersOf (version: string): number[] {
  return version.split('.').map(part => parseInt(part, 10))
}
