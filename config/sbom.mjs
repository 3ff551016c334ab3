// The list of the packages that the program consists of or needs (SBOM, CycloneDX).
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const at = path => new URL(`../${path}`, import.meta.url)

const ARGS = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application']

/**
 * Returns the SBOM that `npm sbom` makes from the lockfile, limited to the packages in the bundle and those that npm
 * installs for users. It leaves out what differs from run to run, so equal sources give equal bytes.
 * @param bundled the packages in the bundle, as `name@version`
 */
export function sbomOf (bundled) {
  const text = execFileSync('npm', ARGS, { cwd: at('.'), encoding: 'utf8' })
  const { serialNumber, metadata: all, ...sbom } = JSON.parse(text)
  const { timestamp, tools, component, ...metadata } = all
  const { name } = JSON.parse(readFileSync(at('package.json'), 'utf8')) // npm names it by its folder

  const components = sbom.components.filter(({ 'bom-ref': ref, scope, properties }) => {
    const has = property => properties.some(({ name }) => name === `cdx:npm:package:${property}`)
    return bundled.has(ref) || !(scope === 'optional' || has('development') || has('private'))
  })
  const refs = new Set([component, ...components].map(component => component['bom-ref']))
  const dependencies = sbom.dependencies.filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(ref => refs.has(ref)) }))
  const missing = [...bundled].filter(ref => !refs.has(ref))
  if (missing.length > 0) throw new Error(`the lockfile lacks ${missing.join(', ')}: run npm ci`)
  return { ...sbom, metadata: { ...metadata, component: { ...component, name } }, components, dependencies }
}
