import { GATHER_BYTES, type Sink } from './subject.ts'

/**
 * A sink for whatever has no buffer of its own: pieces smaller than the gather buffer are copied into it first, as anybody
 * would after measuring a call for each piece; larger pieces go out as they are.
 */
export abstract class GatheringSink implements Sink {
  readonly gathered = Buffer.allocUnsafeSlow(GATHER_BYTES)
  gatheredBytes = 0

  put(piece: Buffer): Promise<void> | null {
    if (piece.length > GATHER_BYTES - this.gatheredBytes) return this.makeRoomAndPut(piece)
    this.gathered.set(piece, this.gatheredBytes)
    this.gatheredBytes += piece.length
    return null
  }

  async finish(): Promise<number> {
    await this.writeGathered()
    return await this.syncAndClose()
  }

  /** Writes all of it. */
  protected abstract writeWhole(bytes: Buffer): Promise<void>

  /** @returns how much was written */
  protected abstract syncAndClose(): Promise<number>

  private async makeRoomAndPut(piece: Buffer): Promise<void> {
    await this.writeGathered()
    if (piece.length > GATHER_BYTES) {
      await this.writeWhole(piece)
    } else {
      this.gathered.set(piece, 0)
      this.gatheredBytes = piece.length
    }
  }

  private async writeGathered(): Promise<void> {
    if (this.gatheredBytes === 0) return
    await this.writeWhole(this.gathered.subarray(0, this.gatheredBytes))
    this.gatheredBytes = 0
  }
}
