/** The numbers of OpenMetrics: values as 64-bit floats, timestamps as whole milliseconds. */
import { TsdbError } from '../errors.ts'
import { quoted, syntaxError } from './open-metrics-error.ts'

/** `realnumber` of the specification: sign, whole part, fraction (or a fraction alone), exponent. */
const REAL_NUMBER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i

const MS_PER_SECOND = 1000
/** Of {@link MS_PER_SECOND}. */
const FRACTION_DIGITS = 3
/** Whole seconds of so many digits are multiplied exactly, and every date of interest has fewer. */
const FAST_DIGITS_MAX = 12
/** Timestamps lie between: the difference of any two of them is then still written as a varint (2^52). */
const TIMESTAMP_MS_LIMIT = 2 ** 51
/** A number of more digits than this is beyond {@link TIMESTAMP_MS_LIMIT}, which has 16. */
const TIMESTAMP_DIGITS_MAX = 16

const DIGIT_0 = 0x30
const DIGIT_5 = 0x35
const DIGIT_9 = 0x39
const POINT = 0x2e

/** @throws {TsdbError} ERR_TSDB_SYNTAX for what is no number, and for one too large for a 64-bit float. */
export function valueOf(token: string): number {
  if (!REAL_NUMBER.test(token)) return specialValueOf(token)
  const value = Number(token)
  if (!Number.isFinite(value)) throw syntaxError(`${quoted(token)} is too large for a 64-bit float`)
  return value
}

function specialValueOf(token: string): number {
  switch (token.toLowerCase()) {
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Infinity
    case '-inf':
    case '-infinity':
      return -Infinity
    case 'nan':
      return NaN
    default:
      throw syntaxError(`${quoted(token)} is no number`)
  }
}

/**
 * The milliseconds of a timestamp in seconds: computed from its decimal digits, so that 1.001 s are 1001 ms (as a float
 * they are 1000.9999999999999). Digits behind the millisecond are rounded to the nearest, halves away from zero.
 *
 * @throws {TsdbError} ERR_TSDB_SYNTAX for what is no finite number; ERR_TSDB_UNSUPPORTED from 2^51 ms on (the year 73000).
 */
export function timestampMsOf(token: string): number {
  const length = token.length
  let seconds = 0
  let at = 0
  let digit = token.charCodeAt(0)
  while (digit >= DIGIT_0 && digit <= DIGIT_9) {
    seconds = seconds * 10 + (digit - DIGIT_0)
    digit = token.charCodeAt(++at)
  }
  if (at === 0 || at > FAST_DIGITS_MAX) return exactTimestampMsOf(token)
  if (at === length) return seconds * MS_PER_SECOND
  if (digit !== POINT) return exactTimestampMsOf(token)
  let ms = 0
  let unit = MS_PER_SECOND
  while (++at < length && unit > 1) {
    digit = token.charCodeAt(at) - DIGIT_0
    if (digit < 0 || digit > 9) return exactTimestampMsOf(token)
    unit /= 10
    ms += digit * unit
  }
  return at === length ? seconds * MS_PER_SECOND + ms : exactTimestampMsOf(token)
}

/** The same for any number of digits, signs and exponents. */
function exactTimestampMsOf(token: string): number {
  const parts = REAL_NUMBER.exec(token)
  if (parts === null) throw syntaxError(`${quoted(token)} is no timestamp in seconds`)
  const [, sign, whole = '', fractionOfWhole = '', fractionAlone = '', exponent = '0'] = parts
  const digits = whole + fractionOfWhole + fractionAlone
  const significant = digits.replace(/^0+/, '')
  /** How many of the significant digits stand before the point, counted in milliseconds. */
  const digitsBefore = whole.length + Number(exponent) + FRACTION_DIGITS - (digits.length - significant.length)
  if (significant === '' || digitsBefore < 0) return 0
  const ms = digitsBefore > TIMESTAMP_DIGITS_MAX ? Infinity : roundedAt(significant, digitsBefore)
  if (ms >= TIMESTAMP_MS_LIMIT) {
    throw new TsdbError('ERR_TSDB_UNSUPPORTED', `timestamp ${quoted(token)} is 2^51 ms or more away from 1970`)
  }
  return sign === '-' && ms !== 0 ? -ms : ms
}

/** The number of the first `count` digits, rounded by the one behind them. */
function roundedAt(digits: string, count: number): number {
  const kept = Number(digits.slice(0, count).padEnd(count, '0'))
  return digits.charCodeAt(count) >= DIGIT_5 ? kept + 1 : kept
}
