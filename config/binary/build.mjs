// npm run build:binary [-- ARCHITECTURE ...]: makes dist/maas-auth-proxy-linux-x64 and -arm64 from what `npm run build`
// has made.
import { buildForEach } from './architectures.mjs'
import { makeExecutable } from './executable.mjs'

await buildForEach('build:binary', makeExecutable)
