/** Makes something that registers for the exit of this process, and tells what it registered. */
export async function withExitListener<T>(
  make: () => Promise<T>,
): Promise<{ readonly made: T; readonly exit: (code: number) => void }> {
  const before = process.listeners('exit')
  const made = await make()
  const [exit, ...more] = process.listeners('exit').filter((listener) => !before.includes(listener))
  if (exit === undefined || more.length > 0) throw new Error('not one listener was registered')
  return { made, exit }
}
