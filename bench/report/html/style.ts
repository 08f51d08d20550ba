/** The page's look: no fonts and no pictures from elsewhere. */
import { paletteCss } from './palette.ts'

const light = `--text:#1c1e21;--muted:#5c636b;--back:#ffffff;--panel:#f5f6f7;--line:#d8dce0;--red:#b3261e;--red-back:#fdecea;--heat:#f3c9a5;
${paletteCss('light')}color-scheme:light;`
const dark = `--text:#e6e8ea;--muted:#a0a7ae;--back:#15181b;--panel:#1e2226;--line:#3a4046;--red:#ff8a80;--red-back:#3b1715;--heat:#5a3a1c;
${paletteCss('dark')}color-scheme:dark;`

export const style = `
:root{${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
:root[data-theme=light]{${light}}
:root[data-theme=dark]{${dark}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 20px 80px}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.3rem;margin:3rem 0 .5rem;border-top:1px solid var(--line);padding-top:1.5rem}
h3{font-size:1.05rem;margin:2rem 0 .25rem}
p,li{max-width:46rem}
.muted{color:var(--muted)}
.summary{background:var(--panel);border-radius:8px;padding:8px 20px;margin:1.5rem 0}
.summary p{margin:.6rem 0}
.broken{color:var(--red)}
.box{background:var(--red-back);border-left:4px solid var(--red);padding:10px 18px;margin:1.5rem 0}
.scroll{overflow-x:auto;margin:.5rem 0 1rem}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding:.25rem 0}
th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;vertical-align:bottom}
thead th{white-space:normal;max-width:6.5em}
th:first-child,td:first-child{text-align:left}
td.text{text-align:left;white-space:normal}
tr.broken td,tr.broken th{color:var(--red)}
.charts{display:flex;flex-wrap:wrap;gap:24px;margin:1rem 0}
figure{margin:0;min-width:0;max-width:100%}
figcaption{color:var(--muted);font-size:.86rem;margin-bottom:.25rem}
svg{max-width:100%;height:auto}
button{font:inherit;font-size:.85rem;color:var(--text);background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:4px 12px;float:right}
@media print{button{display:none}h2{break-after:avoid}figure,table{break-inside:avoid}}
`

/** Switches between light and dark; without it the page follows the system. */
export const themeScript = `
document.querySelector('button').addEventListener('click',()=>{
const root=document.documentElement
const dark=root.dataset.theme?root.dataset.theme==='dark':matchMedia('(prefers-color-scheme:dark)').matches
root.dataset.theme=dark?'light':'dark'
})
`
