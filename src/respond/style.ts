/** The style of the pages, light and dark. Its hash is in their Content-Security-Policy. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1c2127; --quiet: #5d6875; --line: #dfe3e8;
  --good: #16794a; --bad: #b3261e; --odd: #8a5a00; --mark: #1f5fbf; --bar: #7ba7e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1d2126; --text: #e4e8ed; --quiet: #9aa5b1; --line: #333a42;
    --good: #5fd39a; --bad: #ff8a80; --odd: #f0c060; --mark: #8ab8ff; --bar: #3f6fae;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 0 0 .75rem; font-size: 1rem; }
p { margin: .25rem 0 0; }
a { color: var(--mark); }
.quiet { color: var(--quiet); }
.good { color: var(--good); }
.bad { color: var(--bad); }
.odd { color: var(--odd); }
.mark { color: var(--mark); }
h2 span { font-weight: 400; font-size: .86rem; }
h2 .state { font-weight: 600; font-size: 1rem; }
.card {
  margin-top: 1.25rem; padding: 1.1rem 1.25rem; overflow-x: auto;
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
}
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 1.25rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.state { font-weight: 600; }
code, .requests { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .86rem; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 500; color: var(--quiet); white-space: nowrap; }
th, td { padding: .22rem 1rem .22rem 0; vertical-align: top; }
tr + tr td, thead + tbody td { border-top: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
td.path { width: 60%; overflow-wrap: anywhere; }
th.number, td.number { text-align: right; white-space: nowrap; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font: 14px system-ui, sans-serif; }
svg .grid { stroke: var(--line); }
svg .bar { fill: var(--bar); }
svg .failed { fill: var(--bad); }
svg .middle, svg .slow { fill: none; stroke-width: 3; stroke-linecap: round; stroke-linejoin: round; }
svg .middle { stroke: var(--mark); }
svg .slow { stroke: var(--odd); }
footer { margin-top: 1.25rem; color: var(--quiet); }
`
