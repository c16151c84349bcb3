/** One thing that `bootlace setup` sees to. */
export interface Piece {
  /** For a person: `point-in-time recovery of the table boot`. */
  readonly what: string;
  /** It is as it should be. */
  readonly done: boolean;
  /** Makes it so; may be called again after it failed. */
  act(): Promise<void>;
}
