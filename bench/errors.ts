/** What can be said about something that was thrown, whatever it is. */

/** An errno or `ERR_` name; `ERR_UNKNOWN` for errors without any. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'ERR_UNKNOWN'
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The first line of a message of several. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
