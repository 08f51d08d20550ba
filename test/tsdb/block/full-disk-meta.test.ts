import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type * as Package from 'uncached-io'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { cutBlock } from '../../../bench/tsdb/head/cut-block.ts'
import { Head } from '../../../bench/tsdb/head/head.ts'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { defaultSettings } from '../../../bench/tsdb/settings.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { errorFrom } from '../../writer/tools.ts'
import { openFilesIn } from '../support/open-files.ts'

/** The disk is full when the last file of a block is ended. */
let isFull = true
vi.mock('uncached-io', async (original) => {
  const real = await original<typeof Package>()
  const openWriter: typeof real.openWriter = async (path, options) => {
    const writer = await real.openWriter(path, options)
    if (isFull && String(path).endsWith('meta.json')) {
      vi.spyOn(writer, 'end').mockRejectedValue(new real.UncachedIOError('ENOSPC', 'full', { retryable: true }))
    }
    return writer
  }
  return { ...real, openWriter }
})
beforeEach(() => {
  isFull = true
})

const folder = temporaryFolder()

describe('a disk that is full when meta.json is written', () => {
  it('leaves nothing of the block, no open file, and the head as it was', async () => {
    const dataFolder = join(folder, 'data')
    mkdirSync(dataFolder)
    const head = new Head(1000)
    head.append(head.seriesOf(labelsOf([['a', 'b']])), 1, 1)
    const error = await errorFrom(() => cutBlock(dataFolder, defaultSettings, head, 0, 1000))
    expect(error).toMatchObject({ code: 'ENOSPC' })
    expect(openFilesIn(dataFolder)).toEqual([])
    expect(readdirSync(dataFolder)).toEqual([])
    isFull = false
    const block = await cutBlock(dataFolder, defaultSettings, head, 0, 1000)
    expect(block?.stats.numSamples).toBe(1)
  })
})
