/**
 * The word for each part of a key, for tools that insist on one. No MAAS accepts it, and it is no client token. It is
 * one that no other output has: Ansible masks the text of a key wherever it occurs.
 */
export const PLACEHOLDER_WORD = 'proxysigns'

/** Makes a placeholder in the form of an API key. @param secret the last part: a client token, or the word */
export function placeholderKey (secret = PLACEHOLDER_WORD): string {
  return [PLACEHOLDER_WORD, PLACEHOLDER_WORD, secret].join(':')
}
