import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'

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

/** The flags of a browser without a window that does nothing but what a test asks it for. */
const QUIET = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--disable-breakpad',
  '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--no-proxy-server'
]

/**
 * Opens an address in a new browser and takes a picture.
 * @param isDark whether the browser asks for dark colours
 * @returns the picture as PNG, and what the page made the browser complain of
 */
export async function photograph (
  t: Test, address: string, size: { width: number, height: number }, isDark: boolean
): Promise<{ png: Buffer, complaints: string[] }> {
  const home = t.testdir()
  const file = `${home}/picture.png`
  const child = spawn(CHROMIUM, [
    ...QUIET, '--hide-scrollbars', `--window-size=${size.width},${size.height}`, `--screenshot=${file}`,
    `--blink-settings=preferredColorScheme=${isDark ? 0 : 1}`, '--enable-logging=stderr', `--user-data-dir=${home}`,
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', address
  ], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: home }, timeout: 60_000, killSignal: 'SIGKILL' })
  let stderr = ''
  child.stderr.on('data', chunk => { stderr += chunk })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'close')
  return { png: readFileSync(file), complaints: stderr.split('\n').filter(line => line.includes('CONSOLE')) }
}

/**
 * Opens an address in a new browser without a window, at most until the test ends. Only loopback is reached:
 * evil.example resolves to it, other names do not resolve. What a browser does for pages beyond the web's own rules is
 * switched off, as the proxy must not need it: blocked popups, and the permission to reach the local network.
 */
export function openChromium (t: Test, address: string): Browser {
  const home = t.testdir()
  const child = spawn(CHROMIUM, [
    ...QUIET, '--disable-popup-blocking', '--disable-features=LocalNetworkAccessChecks,HttpsUpgrades', `--user-data-dir=${home}`,
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
