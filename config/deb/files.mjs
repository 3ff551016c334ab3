// The files of the Debian package.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { licences, sbom } from '../binary/contents.mjs'
import { changelog, copyright, OVERRIDES } from './texts.mjs'

const inRoot = path => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const read = path => readFileSync(inRoot(path))

/** Compresses a text with gzip, without its name and date. */
const gzip = input => execFileSync('gzip', ['-9', '--no-name', '--stdout'], { input })

const completion = shell => execFileSync(process.execPath, ['--', inRoot('dist/main.js'), 'completion', shell])

/** Returns a unit with the path of the program, without the first lines, which explain how to install it by hand. */
function unit (name) {
  return read(`config/systemd/${name}`).toString()
    .replace(/^(?:#.*\n)+/, '')
    .replace(/^(Description=.*\n)/m, '$1Documentation=man:maas-auth-proxy(1)\n')
    .replace(/^ExecStart=(?=maas-auth-proxy$)/m, '$&/usr/bin/')
}

/**
 * Returns the content of each file by its path; those of `DEBIAN` are for dpkg.
 * @param manifest what is read of package.json
 * @param date that of the changelog
 */
export function filesOf (manifest, date) {
  const doc = 'usr/share/doc/maas-auth-proxy'
  const scripts = ['postinst', 'prerm', 'postrm'].map(name => [`DEBIAN/${name}`, read(`config/deb/${name}`)])
  const examples = readdirSync(inRoot('config')).filter(name => /^(example\.yaml|prometheus|grafana)/.test(name))
  return {
    ...Object.fromEntries(scripts),
    'DEBIAN/conffiles': '/etc/maas-auth-proxy/env\n',
    'etc/maas-auth-proxy/env': read('config/deb/env'),
    'usr/lib/systemd/system/maas-auth-proxy.service': unit('maas-auth-proxy.service'),
    'usr/lib/systemd/system/maas-auth-proxy.socket': unit('maas-auth-proxy.socket'),
    'usr/share/man/man1/maas-auth-proxy.1.gz': gzip(read('dist/maas-auth-proxy.1')),
    'usr/share/bash-completion/completions/maas-auth-proxy': completion('bash'),
    'usr/share/zsh/vendor-completions/_maas-auth-proxy': completion('zsh'),
    'usr/share/fish/vendor_completions.d/maas-auth-proxy.fish': completion('fish'),
    'usr/share/lintian/overrides/maas-auth-proxy': OVERRIDES,
    [`${doc}/copyright`]: copyright(licences()),
    [`${doc}/changelog.gz`]: gzip(changelog(manifest, date)),
    [`${doc}/sbom.cdx.json`]: sbom(),
    ...Object.fromEntries(examples.map(name => [`${doc}/examples/${name}`, read(`config/${name}`)]))
  }
}
