// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './code-cache.test.ts'
import './files.test.ts'
import './github.test.ts'
import './node-version.test.ts'
import './release.test.ts'
import './source-map.test.ts'
