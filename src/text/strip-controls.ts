/** A decoded text without what a terminal would act on. */
export function stripControls (text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\uffff]/g, '?')
}
