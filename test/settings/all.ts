// The tests of this folder share a process, so that it loads the proxy once.
import './config-file.test.ts'
import './effective.test.ts'
import './profile.test.ts'
import './settings.test.ts'
