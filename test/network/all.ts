// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './answers.test.ts'
import './certificates.test.ts'
import './connections.test.ts'
import './dial.test.ts'
import './failures.test.ts'
