/**
 * The same text in memory of its own. What `slice` gives refers to the text it was cut from, and would keep all of that
 * in memory.
 */
export function copyOf(text: string): string {
  return Buffer.from(text).toString()
}
