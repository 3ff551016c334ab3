import { stripControls } from '../text/strip-controls.ts'

/** A piece of HTML, which is not escaped again. */
export class Html {
  readonly text: string

  constructor (text: string) {
    this.text = text
  }
}

type HtmlValue = string | number | Html | readonly HtmlValue[]

/**
 * A template of HTML: html`<p>${text}</p>`. Texts are escaped, for content and for quoted attributes, and lose their
 * control characters; pieces of HTML and lists are inserted as they are.
 */
export function html (literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(literals.map((literal, i) => (i === 0 ? '' : render(values[i - 1] as HtmlValue)) + literal).join(''))
}

function render (value: HtmlValue): string {
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(render).join('')
  return stripControls(String(value)).replace(/[&<>"']/g, character => ESCAPES[character] as string)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'
}
