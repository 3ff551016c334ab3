import { fastify } from 'fastify'
import { createSigner, maasAuthProxy, type MaasAuthProxyOptions, SettingsError, type SignerOptions } from 'maas-auth-proxy'

// Not run: `tsc` is the test, here of the sources, and in structure.test.ts of what is packed. A line that must not
// compile says so.

const options: MaasAuthProxyOptions = { maasUrl: 'http://maas.example:5240/MAAS', apiKeyFile: '/key', readOnly: true, allow: ['GET machines/**'], deny: 'GET machines/*?op=details', connectTimeout: 500, responseTimeout: '1m', policyMode: 'warn', env: process.env, accessLog: false, client: request => String(request.headers['x-user']) }
const app = fastify()
await app.register(maasAuthProxy, options)
await app.register(maasAuthProxy, { ...options, logLevel: 'warn' })
await fastify({ https: {} }).register(maasAuthProxy, options)
await app.register(maasAuthProxy, { maasUrl: process.env['MAAS_URL'], apiKey: process.env['MAAS_API_KEY'] })

// @ts-expect-error -- no such option
await app.register(maasAuthProxy, { ...options, readonly: true })
// @ts-expect-error -- a setting of the program alone
await app.register(maasAuthProxy, { ...options, listen: ['127.0.0.1:0'] })
// @ts-expect-error -- a text for a switch
await app.register(maasAuthProxy, { ...options, readOnly: 'true' })
// @ts-expect-error -- not one of the words
await app.register(maasAuthProxy, { ...options, policyMode: 'off' })
// @ts-expect-error -- a name is known at once
await app.register(maasAuthProxy, { ...options, client: async () => 'alice' })
// @ts-expect-error -- a list of something else
await app.register(maasAuthProxy, { ...options, allow: [/machines/] })

const signerOptions: SignerOptions = { now: () => 1 }
const sign: () => string = createSigner('consumer:token:secret', signerOptions)
await fetch('https://maas.example:5443/MAAS/api/2.0/version/', { headers: { Authorization: sign() }, redirect: 'error' })
// @ts-expect-error -- a signer takes nothing: neither URL nor method play a part
sign('http://maas.example')
// @ts-expect-error -- a key is one text
createSigner({ consumer: 'c', token: 't', secret: 's' })

try {
  await app.ready()
} catch (error) {
  if (error instanceof SettingsError) for (const problem of error.problems) console.error(problem.toUpperCase())
}
