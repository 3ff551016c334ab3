/** A decoded text with `?` for each control character, which a terminal could act on. */
export function stripControls (text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\uffff]/g, '?')
}
