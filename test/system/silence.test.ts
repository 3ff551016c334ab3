import t from 'tap'
import { ADDRESS, forget, type Machines, OTHER_ADDRESS, startMachines, whyNoMachines } from '../helper/machines.ts'
import { socketDir } from '../helper/sockets.ts'

const skip = whyNoMachines() ?? false

t.setTimeout(180_000) // some failures take a minute to be found out

/** The machine of the proxy gets another address, as by DHCP or from a VPN. */
function move ({ ip }: Machines): void {
  ip('proxy', `addr add ${OTHER_ADDRESS}/25 dev way0`)
  ip('proxy', `addr del ${ADDRESS}/24 dev way0`)
}

interface Row {
  reason: string
  /** what happens between the first request and the second, which is on the same connection */
  happens: (machines: Machines) => void | Promise<void>
  method: string
  path: string
  /** what happens when the second request has reached MAAS */
  then?: (machines: Machines) => void
  status: number
  /** the longest time that it may take, in seconds */
  within: number
  /** how many times MAAS may get it */
  sent: readonly number[]
}

/** In the record of a connection that the system has given up. */
const ENDED = '"code":"ETIMEDOUT"'

const ROWS: readonly Row[] = [
  { reason: 'nothing happens, and MAAS is slow', happens: () => {}, method: 'GET', path: 'machines/?wait=14000', status: 200, within: 30, sent: [1] },
  { reason: 'the way is forgotten', happens: ({ ip }) => { forget(ip) }, method: 'GET', path: 'machines/', status: 200, within: 15, sent: [1, 2] },
  { reason: 'the way is forgotten before a write', happens: ({ ip }) => { forget(ip) }, method: 'POST', path: 'machines/', status: 504, within: 60, sent: [1] },
  { reason: 'another address', happens: move, method: 'GET', path: 'machines/', status: 200, within: 15, sent: [1, 2] },
  {
    reason: 'the way is forgotten, and that is noticed before a write',
    happens: async machines => {
      forget(machines.ip)
      await machines.proxy.printed(ENDED)
    },
    method: 'POST',
    path: 'machines/',
    status: 200,
    within: 15,
    sent: [1]
  },
  { reason: 'the way is forgotten while MAAS works on a read', happens: () => {}, method: 'GET', path: 'machines/?hang=1', then: ({ ip }) => { forget(ip) }, status: 200, within: 40, sent: [2] },
  { reason: 'the way is forgotten while MAAS works on a write', happens: () => {}, method: 'POST', path: 'machines/?hang=1', then: ({ ip }) => { forget(ip) }, status: 504, within: 60, sent: [1] }
]

t.test('a kept connection that dies without a word', { skip }, async t => {
  await Promise.all(ROWS.map(async ({ reason, happens, method, path, then, status, within, sent }, i) => {
    const machines = await startMachines(t, `${socketDir(t)}/${i}`)
    const { ask, maas, proxy } = machines
    t.match(await ask('GET', 'zones/'), { status: 200 }, `${reason}: the first request`)
    await happens(machines)
    const asked = ask(method, path)
    if (then !== undefined) {
      await maas.printed(`${method} /MAAS/api/2.0/${path}`)
      then(machines)
    }
    const answer = await asked
    t.equal(answer.status, status, `${reason}: ${answer.text}`)
    t.ok(answer.seconds < within, `${reason}: ${answer.seconds} s`)
    await maas.printed(`${method} /MAAS/api/2.0/${path}\n`) // what it prints may come after its answer
    t.ok(sent.includes(maas.stdout().split(`${method} /MAAS/api/2.0/${path}\n`).length - 1), `${reason}: ${maas.stdout()}`)
    if (status === 504) {
      t.match(answer.text, /MAAS_PROXY_UPSTREAM_LOST[^]*may have happened: check its effect/, reason)
      await proxy.printed('"error":"MAAS_PROXY_UPSTREAM_LOST"')
    }
  }))
})
