/** A version as three numbers. */
type Numbers = readonly [major: number, minor: number, patch: number]

/** Returns the numbers of a version such as `1.2.3`, or null if it is none. */
function numbersOf (version: string): Numbers | null {
  const [, major, minor, patch] = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(version) ?? []
  return patch === undefined ? null : [Number(major), Number(minor), Number(patch)]
}

/** Orders versions from the lowest to the highest, for `sort`. */
function byOrder (one: Numbers, other: Numbers): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2]
}

/** Returns the tag of the highest version, `v1.2.3`, or null. It ignores tags of another form. */
export function lastTag (tags: readonly string[]): string | null {
  const versions = tags.filter(tag => tag.startsWith('v')).map(tag => numbersOf(tag.slice(1)))
  const highest = versions.filter(numbers => numbers !== null).sort(byOrder).at(-1)
  return highest === undefined ? null : `v${highest.join('.')}`
}

/**
 * Returns why a version cannot be released, with what to do, or null.
 * @param version that of package.json
 * @param tags all tags of the repository
 */
export function whyNotNew (version: string, tags: readonly string[]): string | null {
  const numbers = numbersOf(version)
  if (numbers === null) {
    return `the version "${version}" in package.json is no release: write three numbers, such as 1.2.3`
  }
  const raise = 'raise it with npm version --no-git-tag-version'
  if (tags.includes(`v${version}`)) {
    return `the version ${version} in package.json has a tag already, v${version}: ${raise}`
  }
  const last = lastTag(tags)
  if (last !== null && lastTag([last, `v${version}`]) === last) {
    return `the version ${version} in package.json is not higher than that of the last tag, ${last}: ${raise}`
  }
  return null
}
