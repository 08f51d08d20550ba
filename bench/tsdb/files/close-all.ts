/** Closes all of them, also when one can't be closed. @throws the first error */
export async function closeAll(files: readonly { close(): Promise<void> }[]): Promise<void> {
  const closed = await Promise.allSettled(files.map((file) => file.close()))
  for (const result of closed) if (result.status === 'rejected') throw result.reason
}
