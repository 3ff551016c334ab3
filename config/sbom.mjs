// Writes dist/sbom.cdx.json, the list of the packages that the program consists of or needs (CycloneDX). It is what
// `npm sbom` says of the lockfile, without what differs from run to run, so that equal sources give equal bytes.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const at = path => new URL(`../${path}`, import.meta.url)

const ARGS = [
  'sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application',
  '--omit=dev', '--omit=optional', '--omit=peer'
]
const { serialNumber, ...sbom } = JSON.parse(execFileSync('npm', ARGS, { cwd: at('.'), encoding: 'utf8' }))
const { timestamp, tools, component, ...metadata } = sbom.metadata

// npm names the component by its folder, and counts in the workspace that brings developers their Node.
const { name } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
const isPrivate = ({ properties = [] }) => properties.some(({ name }) => name === 'cdx:npm:package:private')
const left = new Set(sbom.components.filter(isPrivate).map(component => component['bom-ref']))
const dependencies = sbom.dependencies
  .filter(({ ref }) => !left.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(ref => !left.has(ref)) }))

writeFileSync(at('dist/sbom.cdx.json'), `${JSON.stringify({
  ...sbom,
  metadata: { ...metadata, component: { ...component, name } },
  components: sbom.components.filter(component => !isPrivate(component)),
  dependencies
}, null, 2)}\n`)
