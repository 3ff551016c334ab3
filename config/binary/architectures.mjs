/** What the program is built for: architectures by the names of Node, with those of Debian. */
export const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' }

/** Why nothing is built, in one line with what to do. */
export class BuildError extends Error {}

/**
 * Builds for each architecture that the command line names, or for all. A {@link BuildError} becomes a line on stderr
 * and the exit code 2.
 * @param script the name in package.json
 * @param build gets the name of an architecture
 */
export async function buildForEach (script, build) {
  const [,, ...named] = process.argv
  const known = Object.keys(ARCHITECTURES)
  try {
    const wrong = named.find(name => !Object.hasOwn(ARCHITECTURES, name))
    if (wrong !== undefined) {
      throw new BuildError(`"${wrong}" is no architecture: write npm run ${script} -- ${known.join(' or ')}`)
    }
    for (const arch of named.length > 0 ? named : known) await build(arch)
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    console.error(`${script}: error: ${error.message}`)
    process.exitCode = 2
  }
}
