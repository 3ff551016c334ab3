/** A decoded text without what a terminal would act on. */
export function printable (text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\uffff]/g, '?')
}
