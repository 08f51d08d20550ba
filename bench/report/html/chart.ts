/** Charts: Vega-Lite in, SVG out, in colours that follow the page. */
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { type Html, html, trusted } from './template.ts'

/** Two of them fit side by side. */
const WIDTH = 380
const HEIGHT = 220

/** The page's own colours, so that one chart does for light and dark. */
const config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: 'var(--line)' },
  axis: {
    labelColor: 'var(--muted)',
    titleColor: 'var(--text)',
    gridColor: 'var(--line)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 260,
  },
  legend: {
    labelColor: 'var(--text)',
    titleColor: 'var(--text)',
    labelFontSize: 12,
    title: null,
    orient: 'bottom',
    columns: 3,
  },
  header: { labelColor: 'var(--text)', titleColor: 'var(--text)' },
} as const

export interface ChartText {
  /** What it shows, above it. */
  readonly caption: string
  /** What somebody should know who does not see it. */
  readonly label: string
}

type Spec = Omit<Record<string, unknown>, '$schema'>

/** @param spec what to draw; size and colours of the frame are given here where it does not say */
export async function chart(spec: Spec, { caption, label }: ChartText): Promise<Html> {
  const full = { width: WIDTH, height: HEIGHT, ...spec, config } as unknown as TopLevelSpec
  const view = new View(parse(compile(full).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return html`<figure role="img" aria-label="${label}"><figcaption>${caption}</figcaption>${trusted(svg)}</figure>`
}
