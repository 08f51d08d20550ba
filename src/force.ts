/**
 * Whether FORCEDIRECTIO is set: every writer is direct then, whatever was asked for. Looked up at every opening, so
 * that a test can set it.
 */
export function directIsForced(): boolean {
  const value = process.env.FORCEDIRECTIO
  return value !== undefined && value !== '' && value !== '0'
}
