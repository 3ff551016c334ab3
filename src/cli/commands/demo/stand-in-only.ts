import type { StandIn, StandInKey, StandInOptions } from '../../../demo/stand-in/index.ts'
import { isLoopback, type TcpAddress } from '../../../listen/address.ts'
import { parseListenAddress } from '../../../settings/listen.ts'
import type { Flags } from '../../../settings/setting-input.ts'
import { SettingsError } from '../../../settings/settings-error.ts'
import type { CommandLine } from '../../flags.ts'
import { EXIT, type Io, stopSignal } from '../../command.ts'

/** The settings that a stand-in without a proxy has. */
const SETTINGS_OF_STAND_IN: ReadonlyArray<keyof Flags> = ['listen', 'allowNonLoopback']

/**
 * Runs a stand-in MAAS without a proxy, for programs that want a MAAS to test against. It prints its address and a key
 * of each of its users.
 * @param start starts the stand-in
 */
export async function runStandInOnly (
  { flags, json }: CommandLine, { stdout, signals }: Io, start: (options: StandInOptions) => Promise<StandIn>
): Promise<number> {
  const { host, port } = readAddress(flags)
  const stopping = stopSignal(signals)
  const standIn = await start({ host, port })
  const facts = { url: standIn.url, admin: keyText(standIn.admin), user: keyText(standIn.user) }
  stdout.write(json ? `${JSON.stringify(facts)}\n` : textOf(facts))
  await stopping
  await standIn.close()
  return EXIT.ok
}

/** @throws SettingsError for a setting of the proxy, and for an address that the stand-in must not have */
function readAddress (flags: Flags): TcpAddress {
  const others = Object.keys(flags).filter(name => !SETTINGS_OF_STAND_IN.includes(name as keyof Flags))
  if (others.length > 0) {
    throw new SettingsError(['demo --stand-in-only: starts no proxy; leave every setting but --listen out'])
  }
  const [text = '127.0.0.1:0'] = flags.listen ?? []
  const address = parse(text)
  if (flags.listen !== undefined && flags.listen.length > 1) {
    throw new SettingsError(['demo --stand-in-only: --listen: write one address'])
  }
  if ('path' in address) throw new SettingsError(['demo --stand-in-only: --listen: write host:port, :port or port'])
  if (!isLoopback(address) && flags.allowNonLoopback === undefined) {
    const reason = 'anyone who reaches that address could use the stand-in'
    throw new SettingsError([`demo --stand-in-only: --listen: ${reason}; add --allow-non-loopback if that is wanted`])
  }
  return address
}

function parse (text: string): ReturnType<typeof parseListenAddress> {
  try {
    return parseListenAddress(text)
  } catch (error) {
    throw new SettingsError([`--listen: ${(error as Error).message}`])
  }
}

function keyText ({ consumer, token, secret }: StandInKey): string {
  return `${consumer}:${token}:${secret}`
}

function textOf ({ url, admin, user }: { url: string, admin: string, user: string }): string {
  return `The stand-in MAAS is at ${url} and verifies every signature. Its keys:\n\n` +
    `  administrator  ${admin}\n  user           ${user}\n\nControl-C stops it.\n`
}
