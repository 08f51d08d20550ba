/** What stands in the place of a measure that cannot be had here. */
export interface WhyNot {
  /** A sentence that a person can act upon. It names the file or the command that it is about. */
  readonly why: string
}
