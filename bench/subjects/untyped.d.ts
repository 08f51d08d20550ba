/** The part of random-access-file 4 that is used here: the package has no types of its own. */
declare module 'random-access-file' {
  type Done = (error: Error | null) => void

  export default class RandomAccessFile {
    constructor(path: string, options?: { readonly truncate?: boolean })
    open(done: Done): void
    write(offset: number, bytes: Uint8Array, done: Done): void
    close(done: Done): void
  }
}
