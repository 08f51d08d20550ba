/**
 * What a source gives until the signal is aborted; a source that is slow to come is not waited for then.
 *
 * @throws the signal's reason; what the source throws
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]()
  // One listener for all chunks, and a promise for each: racing against one promise would pile up all that was raced.
  let stop: (() => void) | undefined
  const onAbort = (): void => stop?.()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<T> | null>((resolve, reject) => {
        stop = () => resolve(null)
        iterator.next().then(resolve, reject)
      })
      if (next === null) break
      if (next.done === true) return
      yield next.value
    }
    throw signal.reason
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not waited for: it may hang as its `next` did.
    iterator.return?.().catch(() => undefined)
  }
}
