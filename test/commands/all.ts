// The tests of this folder share a process, so that it loads the proxy once.
import './check.test.ts'
import './cli.test.ts'
import './help.test.ts'
import './policy-learn.test.ts'
import './run.test.ts'
import './token.test.ts'
