// The tests of this folder share a process, so that it loads the proxy once.
import './ci.test.ts'
import './code-cache.test.ts'
import './files.test.ts'
import './github.test.ts'
import './node-version.test.ts'
import './release.test.ts'
import './source-map.test.ts'
