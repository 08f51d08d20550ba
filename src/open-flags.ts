import { constants } from 'node:fs'
import { argumentError } from './errors.ts'

/** What flags mean for a file that is written. */
export interface Opening {
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
  readonly append: boolean
}

const write: Opening = { create: true, exclusive: false, truncate: true, append: false }
const append: Opening = { create: true, exclusive: false, truncate: false, append: true }
const update: Opening = { create: false, exclusive: false, truncate: false, append: false }

/** As node:fs spells them, a `+` and an `s` (O_SYNC) left out: a writer reads as well, and syncs when it is told to. */
const spellings: ReadonlyMap<string, Opening> = new Map([
  ['w', write],
  ['wx', { ...write, exclusive: true, truncate: false }],
  ['a', append],
  ['ax', { ...append, exclusive: true }],
  ['r+', update],
])

/**
 * What flags mean, as a string of node:fs or a number of open(2).
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for flags that do not open for writing
 */
export function openingOf(flags: unknown): Opening {
  if (typeof flags === 'number') return openingOfNumber(flags)
  if (typeof flags !== 'string') {
    throw argumentError('ERR_INVALID_ARG_TYPE', `flags must be a string or a number, not ${String(flags)}`)
  }
  const spelling = flags.replace('s', '').replace(/^x([wa])/, '$1x')
  const opening = spellings.get(spelling === 'r+' ? spelling : spelling.replace(/\+$/, ''))
  if (opening !== undefined) return opening
  const known = [...spellings.keys()].join(', ')
  throw argumentError('ERR_INVALID_ARG_VALUE', `unknown flags '${flags}'; known: ${known}, and the like of node:fs`)
}

function openingOfNumber(flags: number): Opening {
  const accessMode = flags & (constants.O_WRONLY | constants.O_RDWR)
  if (!Number.isInteger(flags) || accessMode === constants.O_RDONLY) {
    throw argumentError('ERR_INVALID_ARG_VALUE', `flags ${flags} do not open a file for writing`)
  }
  return {
    create: (flags & constants.O_CREAT) !== 0,
    exclusive: (flags & constants.O_CREAT) !== 0 && (flags & constants.O_EXCL) !== 0,
    truncate: (flags & constants.O_TRUNC) !== 0,
    append: (flags & constants.O_APPEND) !== 0,
  }
}
