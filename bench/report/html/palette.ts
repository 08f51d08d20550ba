/** One colour for each subject, everywhere: CSS variables, which differ in light and dark. */

/**
 * Okabe and Ito's colours, which people with any colour vision can tell apart; darkened for white and lightened for black until
 * a line of them stands out. The order is that of the subjects in the report.
 */
const colours: readonly (readonly [light: string, dark: string])[] = [
  ['#0072b2', '#56b4e9'],
  ['#d55e00', '#ff9a4d'],
  ['#007a5a', '#2fc79a'],
  ['#b8508f', '#e59ac4'],
  ['#8a6d00', '#e6c229'],
  ['#5a5fbf', '#9fa4ff'],
  ['#7a4a2b', '#c99671'],
  ['#3f7f8c', '#83c7d4'],
  ['#8c2d40', '#e88a9b'],
  ['#555555', '#b0b0b0'],
]

/** The value of `fill` or `stroke` for the subject at this place. */
export function colourAt(index: number): string {
  return `var(--subject-${index % colours.length})`
}

/** The declarations of the variables. */
export function paletteCss(theme: 'light' | 'dark'): string {
  return colours.map(([light, dark], index) => `--subject-${index}:${theme === 'light' ? light : dark};`).join('')
}
