// The tests of this folder share a process, so that it loads the proxy once.
import './health.test.ts'
import './logger.test.ts'
import './logs.test.ts'
import './metrics.test.ts'
import './pretty.test.ts'
import './tracing.test.ts'
