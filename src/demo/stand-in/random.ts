import { randomInt } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Random characters of [A-Za-z0-9], the alphabet of MAAS's keys. */
export function randomText (length: number): string {
  return Array.from({ length }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('')
}

/** Key and secret as MAAS makes them: 18, 18 and 32 characters (piston3/managers.py). */
export function randomKey (): { consumer: string, key: string, secret: string } {
  return { consumer: randomText(18), key: randomText(18), secret: randomText(32) }
}
