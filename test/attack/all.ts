// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './callers.test.ts'
import './client-token.test.ts'
import './forms.test.ts'
import './pages.test.ts'
import './secrets.test.ts'
import './target.test.ts'
