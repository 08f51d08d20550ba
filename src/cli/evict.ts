import { dropFromPageCache } from '../page-cache.ts'
import { showSize } from './size.ts'
import { forEach, parse } from './usage.ts'

/** Makes files durable and drops them from the page cache. What stays all the same is an error. */
export async function evict(args: string[]): Promise<number> {
  const { positionals } = parse(args, {})
  return await forEach(positionals, 'file', async (path) => {
    const { residentBytes } = await dropFromPageCache(path)
    if (residentBytes > 0) {
      throw new Error(
        `${showSize(residentBytes)} of '${path}' stayed in the page cache: in use, mapped, or all there is (tmpfs)`,
      )
    }
  })
}
