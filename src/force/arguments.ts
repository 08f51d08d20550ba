import type { AskedWrite } from './forced-writes.ts'

/**
 * What the parameters behind the descriptor of fs.write say, in all its forms: (view, offset, length, position), (view,
 * { offset, length, position }), (string, position, encoding). Null for what node:fs has an error for.
 */
export function askedWrite(parameters: readonly unknown[]): AskedWrite | null {
  const [data, second, third, fourth] = parameters
  if (typeof data === 'string') {
    const encoding = third ?? 'utf8'
    if (!isEncoding(encoding)) return null
    return { chunks: [Buffer.from(data, encoding)], position: positionFrom(second) }
  }
  if (!ArrayBuffer.isView(data)) return null
  const all = bytesIn(data)
  const named = second !== null && typeof second === 'object' ? (second as Record<string, unknown>) : undefined
  const offset = (named ? named.offset : second) ?? 0
  if (!isCount(offset)) return null
  const asked = named ? named.length : third
  const length = typeof asked === 'number' ? asked : all.byteLength - offset
  if (!isCount(length) || offset + length > all.byteLength) return null
  return {
    chunks: [all.subarray(offset, offset + length)],
    position: positionFrom(named ? named.position : fourth),
  }
}

/** As `askedWrite`, of fs.writev: (views, position). */
export function askedWritev(parameters: readonly unknown[]): AskedWrite | null {
  const [views, position] = parameters
  if (!Array.isArray(views) || !views.every((view): view is ArrayBufferView => ArrayBuffer.isView(view))) return null
  return { chunks: views.map(bytesIn), position: positionFrom(position) }
}

export function isEncoding(encoding: unknown): encoding is BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding)
}

export function bytesIn(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** node:fs takes everything else for "where the descriptor stands". */
function positionFrom(position: unknown): number | null {
  return isCount(position) ? position : null
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
