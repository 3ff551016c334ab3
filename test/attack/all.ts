// The tests of this folder share a process, so that it loads the proxy once.
import './callers.test.ts'
import './client-token.test.ts'
import './forms.test.ts'
import './pages.test.ts'
import './secrets.test.ts'
import './target.test.ts'
