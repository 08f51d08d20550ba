import { argumentError } from './errors.ts'

/** Stands for "nothing reserved": no position is negative. */
const nowhere = -1

/** The part of the buffer that the caller reserved to fill in place. One at a time, valid at one position only. */
export class Slot {
  #position = nowhere
  #byteLength = 0

  open(position: number, byteLength: number): void {
    this.#position = position
    this.#byteLength = byteLength
  }

  close(): void {
    this.#position = nowhere
  }

  /**
   * Gives the slot up for `usedBytes` of it.
   *
   * @param position where the writer stands now: bytes taken since `reserve` lie where the slot was
   * @throws TypeError ERR_NOT_RESERVED without a valid slot, or for more than was reserved
   */
  use(position: number, usedBytes: number): void {
    if (this.#position !== position) {
      throw argumentError('ERR_NOT_RESERVED', 'commit without a slot: reserve has to come right before it')
    }
    if (usedBytes > this.#byteLength) {
      const message = `commit of ${usedBytes} bytes, but only ${this.#byteLength} were reserved`
      throw argumentError('ERR_NOT_RESERVED', message)
    }
    this.close()
  }
}
