import { randomInt } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Returns random characters of [A-Za-z0-9], the alphabet of MAAS's keys. */
export function randomText (length: number): string {
  return Array.from({ length }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('')
}

/** Returns a random key in MAAS's form: 18, 18 and 32 characters (piston3/managers.py). */
export function randomKey (): { consumer: string, key: string, secret: string } {
  return { consumer: randomText(18), key: randomText(18), secret: randomText(32) }
}
