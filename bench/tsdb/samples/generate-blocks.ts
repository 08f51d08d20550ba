import type { BlockMeta } from '../block/meta.ts'
import { cutBlock } from '../head/cut-block.ts'
import { Head, type HeadSeries } from '../head/head.ts'
import type { Settings } from '../settings.ts'
import { type GeneratorOptions, SampleGenerator } from './generator.ts'

/**
 * Writes generated samples into blocks, one for each block range, until `isEnough` says so of the blocks so far.
 *
 * @throws the kernel's and the writer's errors; blocks that are complete stay
 */
export async function generateBlocks(
  dataFolder: string,
  settings: Settings,
  options: GeneratorOptions,
  isEnough: (blocks: readonly BlockMeta[]) => Promise<boolean> | boolean,
): Promise<BlockMeta[]> {
  const generator = new SampleGenerator(options)
  const head = new Head(settings.blockRangeMs)
  const series: HeadSeries[] = []
  const blocks: BlockMeta[] = []
  for (let minTime = head.rangeOf(generator.now); !(await isEnough(blocks)); minTime += settings.blockRangeMs) {
    const maxTime = minTime + settings.blockRangeMs
    while (generator.now < maxTime) appendInterval(head, series, generator)
    const block = await cutBlock(dataFolder, settings, head, minTime, maxTime)
    head.forget(maxTime)
    if (block !== null) blocks.push(block)
  }
  return blocks
}

/** @param series the head's, by the generator's ids */
function appendInterval(head: Head, series: HeadSeries[], generator: SampleGenerator): void {
  for (const scrape of generator.nextInterval()) {
    for (let i = 0; i < scrape.count; i++) {
      const generated = scrape.series[i]!
      let known = series[generated.id]
      // With the block before, all of its series were forgotten.
      if (known === undefined || known.isForgotten) {
        known = head.seriesOf(generated.labels)
        series[generated.id] = known
      }
      head.append(known, scrape.timestampMs, scrape.values[i]!)
    }
  }
}
