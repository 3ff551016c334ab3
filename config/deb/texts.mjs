// The texts of the Debian package that depend on the version, the architecture and the date.

const MAINTAINER = 'maas-auth-proxy maintainers <maintainers@maas-auth-proxy.example>'

/** What Node is linked to; Node 24 itself asks for glibc 2.28. */
const LIBRARIES = ['libc6 (>= 2.28)', 'libgcc-s1 (>= 3.4)', 'libstdc++6 (>= 5.2)']

/**
 * Returns the control file.
 * @param manifest what is read of package.json
 * @param architecture the name of Debian
 * @param bytes of all files
 */
export function control ({ name, version }, architecture, bytes) {
  return `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: ${LIBRARIES.join(', ')}
Recommends: ca-certificates
Section: net
Priority: optional
Description: local authenticating reverse proxy for the API of Canonical MAAS
 It takes plain HTTP requests on localhost, signs them with an API key that
 only it holds, and forwards them to MAAS: for curl and tools that cannot
 sign, for services that are not to have the key, and for less than the
 whole key, since a MAAS key has no scopes.
 .
 The service is not enabled before it is configured; see
 /etc/maas-auth-proxy/env.
`
}

/** Returns the changelog: of this version alone, because the notes of each release have the rest. */
export function changelog ({ name, version }, date) {
  const on = date.toUTCString().replace('GMT', '+0000')
  return `${name} (${version}) unstable; urgency=medium

  * Version ${version}; the notes of the release say what is new.

 -- ${MAINTAINER}  ${on}
`
}

/**
 * Returns the copyright file.
 * @param licences those of Node and of all packages in the executable
 */
export function copyright (licences) {
  return `maas-auth-proxy is Copyright the maas-auth-proxy contributors, and licensed under the Apache License,
Version 2.0. On Debian systems its text is in /usr/share/common-licenses/Apache-2.0.

/usr/bin/maas-auth-proxy consists of it, of Node.js and of the packages below, each under its own licence.

${licences}`
}

/** The overrides of lintian, each with its reason. */
export const OVERRIDES = `# Node.js is taken as its project releases it, with its libraries in it.
# The copyright file has their licences.
maas-auth-proxy: embedded-library *
maas-auth-proxy: hardening-no-pie *
# An executable that has the program as a resource does not survive strip(1).
maas-auth-proxy: unstripped-binary-or-object *
# The licences are as their projects give them.
maas-auth-proxy: copyright-file-contains-full-apache-2-license
maas-auth-proxy: old-fsf-address-in-copyright-file
# For root alone: the API key is there.
maas-auth-proxy: non-standard-dir-perm 0750 != 0755 *
maas-auth-proxy: non-standard-file-perm 0640 != 0644 *
`
