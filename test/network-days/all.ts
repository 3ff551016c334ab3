// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './closing.test.ts'
import './drain.test.ts'
import './half-closed.test.ts'
import './process.test.ts'
import './ready.test.ts'
import './sharing.test.ts'
import './texts.test.ts'
