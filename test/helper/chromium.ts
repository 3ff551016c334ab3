import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'

const CHROMIUM = '/usr/bin/chromium' // Debian's

/** Why a test that needs the browser is skipped, or false where it is installed. */
export const withoutChromium = !existsSync(CHROMIUM) && 'chromium is not installed'

interface Test { after: (close: () => unknown) => void, testdir: () => string }

export interface Browser {
  /** resolves as the promise does; rejects if the browser ends before, as it is made to after a minute */
  during: <T>(promise: Promise<T>) => Promise<T>
  /** ends it, with all of its processes */
  end: () => Promise<void>
}

/**
 * Opens an address in a new browser without a window, at most until the test ends. Only loopback is reached: evil.example
 * resolves to it, other names do not resolve. What a browser does for pages beyond the web's own rules is switched off, as
 * the proxy must not need it: blocked popups, and the permission to reach the local network.
 */
export function openChromium (t: Test, address: string): Browser {
  const home = t.testdir()
  const child = spawn(CHROMIUM, [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--disable-breakpad', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-popup-blocking', '--no-proxy-server',
    '--disable-features=LocalNetworkAccessChecks,HttpsUpgrades', `--user-data-dir=${home}`,
    '--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost', address
  ], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: home }, timeout: 60_000, killSignal: 'SIGKILL' })
  let stderr = ''
  child.stderr.on('data', chunk => { stderr += chunk })
  const closed = once(child, 'close')
  const ended = closed.then(([code, signal]) => { throw new Error(`Chromium ended (${code ?? signal}): ${stderr.slice(0, 500)}`) })
  ended.catch(() => {})
  t.after(end)
  return { during: async promise => await Promise.race([promise, ended]), end }

  async function end (): Promise<void> {
    child.kill('SIGKILL')
    await closed // by its other processes too, which end with the first and have the same stderr
  }
}
