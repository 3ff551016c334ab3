// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './config-file.test.ts'
import './effective.test.ts'
import './profile.test.ts'
import './settings.test.ts'
