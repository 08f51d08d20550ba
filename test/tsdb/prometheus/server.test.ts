import { describe, expect, it } from 'vitest'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { cutBlock } from '../../../bench/tsdb/head/cut-block.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { everyStrategy } from '../../writer/tools.ts'
import { makeBlock, SMALL_SEGMENT_BYTES, settingsOf } from '../support/blocks.ts'
import type { SeriesResult } from '../support/go-text.ts'
import { headOf } from '../support/heads.ts'
import { startPrometheus } from '../support/prometheus-server.ts'
import { awkward } from '../support/samples.ts'
import { awkwardSeries, inOrder, regular, type Series, union, valueOf } from '../support/series.ts'

/** 2023-11-14T22:00:00Z, the border of two ranges of two hours. */
const T0 = 1_699_999_200_000
const RANGE_MS = 7_200_000
const STEP_MS = 30_000
/** How long Prometheus goes on with a sample. */
const LOOKBACK_MS = 300_000

const steady = Array.from({ length: 20 }, (_, i) =>
  regular({ __name__: 'steady', number: String(i) }, T0, 300, STEP_MS),
)
const all: Series[] = [...awkwardSeries(awkward, T0 + 1), ...steady]

/** What a server has to give for a selector of all of these series. */
function resultsOf(expected: readonly Series[]): SeriesResult[] {
  return inOrder(expected).map(({ labels, samples }) => ({
    labels,
    timestampsMs: samples.map(([timestampMs]) => timestampMs),
    values: samples.map(([, bits]) => valueOf(bits)),
  }))
}

/** Starts a server and asks it for everything; by range queries, too. */
async function expectAnswers(dataFolder: string, expected: readonly Series[]): Promise<void> {
  await using server = await startPrometheus(dataFolder)
  const end = T0 + 2 * RANGE_MS
  expect(await server.rawSamples('{__name__=~".+"}', T0 - 1, end)).toEqual(resultsOf(expected))
  // At the times of the samples, and for five minutes behind the last one.
  const found = await server.queryRange('steady', T0, T0 + RANGE_MS + 300 * STEP_MS, STEP_MS)
  expect(found.map(({ labels }) => labels)).toEqual(inOrder(steady).map(({ labels }) => labels))
  for (const [i, { timestampsMs, values }] of found.entries()) {
    const { samples } = inOrder(steady)[i]!
    expect(timestampsMs.slice(0, samples.length)).toEqual(samples.map(([timestampMs]) => timestampMs))
    expect(values.slice(0, samples.length)).toEqual(samples.map(([, bits]) => valueOf(bits)))
    const behindMs = timestampsMs.at(-1)! - samples.at(-1)![0]
    expect(behindMs).toBeLessThanOrEqual(LOOKBACK_MS)
    expect(new Set(values.slice(samples.length))).toEqual(new Set([values[samples.length - 1]]))
  }
}

describe.each(everyStrategy)('a Prometheus server answers from blocks written under %s', (strategy) => {
  const settings = settingsOf(strategy, strategy, SMALL_SEGMENT_BYTES)

  it('before and after they are compacted', async () => {
    const dataFolder = temporaryFolder()
    const head = headOf(RANGE_MS, all)
    const metas: BlockMeta[] = []
    for (const start of head.ranges()) {
      metas.push((await cutBlock(dataFolder, settings, head, start, start + RANGE_MS))!)
      head.forget(start + RANGE_MS)
    }
    expect(metas).toHaveLength(2)
    // Within the first block, in part with the same samples, and new ones between the awkward ones.
    const overlapping = [
      regular({ __name__: 'steady', number: '7' }, T0 + 10 * STEP_MS, 20, STEP_MS),
      regular({ __name__: 'label', job: '\u{10FFFF}' }, T0, 50, 7),
    ]
    metas.push(await makeBlock(dataFolder, settings, overlapping, 11))
    const expected = union(all, overlapping)
    await expectAnswers(dataFolder, expected)
    const ulids = metas.map(({ ulid }) => ulid)
    const { strategy: inEffect } = await compactBlocks(dataFolder, ulids, settings)
    expect(inEffect).toBe(strategyInEffect(strategy))
    await expectAnswers(dataFolder, expected)
  })
})
