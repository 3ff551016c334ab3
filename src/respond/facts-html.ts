import { factRows, type ListenerFacts } from './facts.ts'
import { type Html, html } from './html.ts'

/** The state of a listener in one line. */
export function stateHtml ({ readiness: { ready } }: ListenerFacts): Html {
  return ready ? html`<span class="state good">● ready</span>` : html`<span class="state bad">● not ready</span>`
}

/** The facts of a listener as a list. */
export function factsHtml (facts: ListenerFacts): Html {
  const rows = factRows(facts).map(([name, text]) => {
    const isBad = !facts.readiness.ready && (name === 'ready' || name === 'to do')
    return html`<dt>${name}</dt><dd${isBad ? html` class="bad"` : ''}>${text}</dd>\n`
  })
  return html`<dl class="facts">\n${rows}</dl>`
}
