/** Of /docs. Colours follow the reader's system. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #5c6670; --line: #d9dee3; --page: #fff; --soft: #f5f7f9; --link: #0a58ca;
  --get: #0f766e; --post: #7c4a03; --bad: #b42318; --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --dim: #98a2ad; --line: #323a43; --page: #14181c; --soft: #1c2228; --link: #7db3ff;
  --get: #4fd1c1; --post: #f0b45b; --bad: #ff8f84; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--page); }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre { font-family: var(--mono); font-size: .87em; }
:not(pre) > code { background: var(--soft); border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere; }
.all { display: grid; grid-template-columns: 300px minmax(0, 1fr); max-width: 1280px; margin: 0 auto; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 24px 16px 40px 24px; border-right: 1px solid var(--line); font-size: 14px; }
nav h1 { font-size: 18px; margin: 0 0 2px; } nav p { margin: 0 0 14px; color: var(--dim); }
nav input { width: 100%; padding: 7px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--soft); color: inherit; font: inherit; }
nav h2 { font-size: 12px; letter-spacing: .04em; text-transform: uppercase; color: var(--dim); margin: 18px 0 4px; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: 8px; align-items: baseline; padding: 2px 4px; border-radius: 4px; color: inherit; overflow-wrap: anywhere; }
nav li a:hover { background: var(--soft); text-decoration: none; }
main { padding: 24px 36px 80px; min-width: 0; }
main > section > h2 { font-size: 21px; margin: 44px 0 8px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
main > section:first-child > h2 { margin-top: 0; }
article { margin: 26px 0 38px; scroll-margin-top: 16px; }
article h3 { font-size: 16px; margin: 0 0 2px; display: flex; gap: 10px; align-items: baseline; flex-wrap: wrap; }
article h3 code { background: none; padding: 0; font-size: 15px; }
h4 { font-size: 13px; margin: 18px 0 6px; color: var(--dim); font-weight: 600; }
.method { font: 600 12px var(--mono); flex: none; min-width: 36px; } .GET { color: var(--get); } .POST { color: var(--post); }
.notes { color: var(--dim); font-size: 13.5px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--dim); font-size: 12.5px; } td:first-child { white-space: nowrap; }
td:last-child { width: 62%; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; margin: 6px 0; overflow-x: auto; line-height: 1.5; }
.shown { position: relative; } .shown button { position: absolute; top: 6px; right: 6px; font: 12px system-ui, sans-serif; border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 8px; background: var(--page); color: var(--dim); cursor: pointer; opacity: 0; }
.shown:hover button, .shown button:focus { opacity: 1; }
details { margin: 6px 0; } summary { cursor: pointer; color: var(--dim); font-size: 13.5px; } details details { margin-left: 16px; }
.status { font: 600 13px var(--mono); } .bad { color: var(--bad); } .req { color: var(--bad); font-size: 12px; }
@media (max-width: 820px) { .all { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); padding: 18px; }
  nav ul, nav h2 { display: none; } main { padding: 18px; } table { display: block; overflow-x: auto; } td { min-width: 90px; } td code { overflow-wrap: normal; } }
`

/** What the calls of the page go to before its script has put the page's own address there. */
export const usualApi = 'http://127.0.0.1:8089'

/** Filter of the list, and copying. Without it the page is whole. */
export const pageScript = `
if (location.protocol.startsWith('http'))
  for (const pre of document.querySelectorAll('pre')) pre.textContent = pre.textContent.replace('${usualApi}', location.origin)
const filter = document.querySelector('nav input')
filter.addEventListener('input', () => {
  const words = filter.value.toLowerCase().split(/\\s+/).filter(Boolean)
  for (const item of document.querySelectorAll('[data-words]'))
    item.hidden = !words.every((word) => item.dataset.words.includes(word))
  for (const group of document.querySelectorAll('[data-group]'))
    group.hidden = !group.querySelector('[data-words]:not([hidden])')
})
for (const shown of document.querySelectorAll('.shown')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(shown.querySelector('pre').textContent)
    button.textContent = 'Copied'
    setTimeout(() => { button.textContent = 'Copy' }, 1500)
  })
  shown.append(button)
}
const open = () => { const at = location.hash && document.getElementById(location.hash.slice(1)); if (at instanceof HTMLDetailsElement) at.open = true }
addEventListener('hashchange', open)
open()
`
