import t from 'tap'
import { createServer } from 'node:net'
import { runHere } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { listenOn } from '../helper/sockets.ts'

const MAAS_API_KEY = Object.values(KEY).join(':')

t.test('an address of its own as MAAS_URL is a wrong setting', async t => {
  const placeholder = createServer()
  const port = await listenOn(t, placeholder)
  await new Promise(resolve => placeholder.close(resolve))
  const env = { MAAS_URL: `http://localhost:${port}/MAAS`, MAAS_API_KEY }
  const { code, stderr } = await runHere(['--listen', `127.0.0.1:${port}`, '--log-level', 'silent'], env)
  t.equal(code, 2, 'by its exit code')
  t.match(stderr, /^maas-auth-proxy: error: MAAS_URL: .* is the address of this proxy itself/)
})
