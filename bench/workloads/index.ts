import type { FileContent } from './file-workload.ts'
import { large, largeContent } from './large.ts'
import { manyFiles } from './many-files.ts'
import { mixed } from './mixed.ts'
import { smallRecords, smallRecordsContent } from './small-records.ts'
import { tsdbCompaction } from './tsdb-compaction.ts'
import { wal } from './wal.ts'
import type { Workload } from './workload.ts'

/** All workloads, in the order of the tables. A new one is added here and nowhere else. */
export const workloads: readonly Workload[] = [large, smallRecords, wal, tsdbCompaction, manyFiles, mixed]

/** @throws when there is no workload of this name; names from outside are checked where options are read. */
export function workloadNamed(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name)
  if (found === undefined) throw new Error(`no workload is named ${name}`)
  return found
}

/** What is in a file that one of the workloads writes. @throws when none of this name writes a file. */
export function fileContentNamed(name: string): FileContent {
  const found = [largeContent, smallRecordsContent].find((content) => content.name === name)
  if (found === undefined) throw new Error(`no file content is named ${name}`)
  return found
}
