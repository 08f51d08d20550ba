import { type Binding, binding, type NativeFile } from '../../src/binding.ts'
import type { Internals } from '../../src/open-file.ts'
import { openWith } from '../../src/open-writer.ts'
import { type OpenWriterOptions, type PathLike, settingsFrom } from '../../src/options.ts'
import { Writer } from '../../src/writer.ts'

/** The system calls of a file, each of which a test can replace; `real` is the file on the disk. */
export type FileFaults = {
  [Name in keyof NativeFile]?: (
    real: NativeFile,
    ...parameters: Parameters<NativeFile[Name]>
  ) => ReturnType<NativeFile[Name]>
}

/** The addon with faults: what is not replaced goes to the kernel. */
export function faultyBinding(faults: FileFaults, own: Partial<Binding> = {}): Binding {
  const real = binding()
  return {
    ...real,
    open: async (path, flags, mode) => faultyFile(await real.open(path, flags, mode), faults),
    ...own,
  }
}

/** A file of which some calls are replaced. */
export function faultyFile(real: NativeFile, faults: FileFaults): NativeFile {
  return new Proxy(real, {
    get(target, name: keyof NativeFile) {
      const fault = faults[name] as ((file: NativeFile, ...parameters: unknown[]) => unknown) | undefined
      const method = target[name] as ((...parameters: unknown[]) => unknown) | undefined
      // `then`, which await asks every object for, must stay missing.
      if (method === undefined) return undefined
      return fault === undefined
        ? (...parameters: unknown[]) => method.apply(target, parameters)
        : (...parameters: unknown[]) => fault(target, ...parameters)
    },
  })
}

/** An error as the addon gives it. */
export function kernelError(code: string, errno: number, syscall: string): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, errno: -errno, syscall })
}

/** A writer over another addon, or with an alignment stricter than the file asks for. */
export async function openForTest(path: PathLike, options: OpenWriterOptions, internals: Internals): Promise<Writer> {
  return await openWith(Writer, path, settingsFrom(options), internals)
}
