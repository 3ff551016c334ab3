// One process for all tests of this folder, as each would load the proxy anew: npm test takes half the time.
import './file.test.ts'
import './property.test.ts'
import './recording.test.ts'
