// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './activation.test.ts'
import './listeners.test.ts'
import './tls.test.ts'
