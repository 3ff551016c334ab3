// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './hints.test.ts'
import './maas.test.ts'
