// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './catalogue.test.ts'
import './credential-guard.test.ts'
import './policy.test.ts'
