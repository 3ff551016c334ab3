// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './check.test.ts'
import './cli.test.ts'
import './help.test.ts'
import './policy-learn.test.ts'
import './run.test.ts'
import './token.test.ts'
