import type { Budget } from '../../src/budget.ts'

/** A budget of the test's own, counted as that of the process is. */
export class TestBudget implements Budget {
  heldBytes = 0

  constructor(public capBytes: number = Number.MAX_SAFE_INTEGER) {}

  take(byteLength: number, always: boolean): boolean {
    if (!always && this.heldBytes + byteLength > this.capBytes) return false
    this.heldBytes += byteLength
    return true
  }

  give(byteLength: number): void {
    this.heldBytes -= byteLength
  }
}
