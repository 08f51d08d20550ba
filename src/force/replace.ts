/** A function of node:fs; what it takes, the replacement has to find out. */
export type AnyFunction = (this: unknown, ...parameters: unknown[]) => unknown

/**
 * Puts another function in the place of `holder[name]`, if there is one, with everything that hangs on the old one: its
 * name, its length, how util.promisify takes it.
 */
export function replace(holder: object, name: string, make: (original: AnyFunction) => AnyFunction): void {
  const functions = holder as Record<string, AnyFunction | undefined>
  const original = functions[name]
  if (original === undefined) return
  const replacement = make(original)
  const { prototype: _, ...properties } = Object.getOwnPropertyDescriptors(original)
  functions[name] = Object.defineProperties(replacement, properties)
}
