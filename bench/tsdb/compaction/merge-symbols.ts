import type { IndexWriter } from '../index/index-writer.ts'
import { compareText } from '../labels.ts'
import type { InputBlock } from './input-block.ts'

/** Writes the symbols of all inputs, each once and in order, and tells each input their new numbers. */
export async function mergeSymbols(inputs: readonly InputBlock[], index: IndexWriter): Promise<void> {
  const positions = inputs.map(() => 0)
  for (const input of inputs) input.newSymbols = new Uint32Array(input.index.symbols.length)
  for (let number = 0; ; number++) {
    const symbol = smallest(inputs, positions)
    if (symbol === undefined) break
    for (const [i, input] of inputs.entries()) {
      const position = positions[i]!
      if (input.index.symbols[position] !== symbol) continue
      input.newSymbols[position] = number
      positions[i] = position + 1
    }
    const wait = index.addSymbol(symbol)
    if (wait !== null) await wait
  }
  await index.endSymbols()
}

function smallest(inputs: readonly InputBlock[], positions: readonly number[]): string | undefined {
  let found: string | undefined
  for (const [i, input] of inputs.entries()) {
    const symbol = input.index.symbols[positions[i]!]
    if (symbol === undefined) continue
    if (found === undefined || compareText(symbol, found) < 0) found = symbol
  }
  return found
}
