// What the single executable consists of beside the bundle: Node, and the libraries that Node brings.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BuildError } from './architectures.mjs'

const ofBundle = name => readFileSync(new URL(`../../dist/${name}`, import.meta.url), 'utf8')

/**
 * Returns the licences of Node and of all packages.
 * @throws BuildError if this Node has no file of its own
 */
export function licences () {
  const file = join(dirname(process.execPath), '../LICENSE')
  if (!existsSync(file)) throw new BuildError(`the licences of Node are missing: there is no ${file}`)
  return `Node.js ${process.versions.node}\n\n${readFileSync(file, 'utf8')}\n${'-'.repeat(80)}\n\n` +
    ofBundle('LICENSES-OF-PACKAGES')
}

/** Returns the SBOM of the bundle (CycloneDX), with Node and the libraries in it as further components. */
export function sbom () {
  const { components, ...rest } = JSON.parse(ofBundle('sbom.cdx.json'))
  const libraries = Object.entries(process.versions).filter(([name]) => name !== 'modules' && name !== 'napi')
  const added = libraries.map(([name, version]) => {
    const purl = `pkg:generic/${name}@${encodeURIComponent(version)}`
    return { type: name === 'node' ? 'application' : 'library', name, version, 'bom-ref': purl, purl }
  })
  return `${JSON.stringify({ ...rest, components: [...components, ...added] }, null, 2)}\n`
}
