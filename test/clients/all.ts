// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './certificates.test.ts'
import './identifiers.test.ts'
import './mistakes.test.ts'
import './reload.test.ts'
import './rules.test.ts'
import './workloads.test.ts'
