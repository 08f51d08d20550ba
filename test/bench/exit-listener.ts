/**
 * Makes something that does work when the process exits.
 *
 * @returns it, and what does the work: its listeners, in the order in which the process would call them
 */
export async function withExitListener<T>(
  make: () => Promise<T>,
  listenerCount = 1,
): Promise<{ made: T; exit: (code: number) => void }> {
  const before = new Set(process.listeners('exit'))
  const made = await make()
  const added = process.listeners('exit').filter((listener) => !before.has(listener))
  if (added.length !== listenerCount) throw new Error(`${added.length} listeners were registered, not ${listenerCount}`)
  return {
    made,
    exit(code) {
      for (const listener of added) listener.call(process, code)
    },
  }
}
