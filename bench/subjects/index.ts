import { fsFileHandle } from './fs-filehandle.ts'
import { fsWriteStream } from './fs-write-stream.ts'
import { fsWritev } from './fs-writev.ts'
import { randomAccessFile } from './random-access-file.ts'
import { rotatingFileStream } from './rotating-file-stream.ts'
import { sonicBoom } from './sonic-boom.ts'
import { strategySubject } from './strategies.ts'
import type { Subject } from './subject.ts'

/** Nobody: what a neighbour feels without a writer. It is in no list, since it writes nothing. */
export const NO_WRITER = 'no-writer'

/** The subject that all ratios refer to. */
export const BASELINE_NAME = 'buffered'

/** All subjects, in the order of the tables. A new one is added here and nowhere else. */
export const subjects: readonly Subject[] = [
  strategySubject('direct', 'uncached-io, O_DIRECT'),
  strategySubject('dontcache', 'uncached-io, RWF_DONTCACHE (Linux 6.14 and later)'),
  strategySubject('evict', 'uncached-io, buffered, pages dropped behind the write position'),
  strategySubject(BASELINE_NAME, 'uncached-io, plain writes through the page cache; what the ratios refer to'),
  fsWriteStream,
  fsFileHandle,
  fsWritev,
  sonicBoom,
  rotatingFileStream,
  randomAccessFile,
]

/** Those that write through this package. */
export const strategyNames: readonly string[] = subjects
  .filter(({ strategy }) => strategy !== null)
  .map(({ name }) => name)

/** @throws when there is no subject of this name; names from outside are checked where options are read. */
export function subjectNamed(name: string): Subject {
  const found = subjects.find((subject) => subject.name === name)
  if (found === undefined) throw new Error(`no subject is named ${name}`)
  return found
}
