// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './health.test.ts'
import './logger.test.ts'
import './logs.test.ts'
import './metrics.test.ts'
import './pretty.test.ts'
import './tracing.test.ts'
