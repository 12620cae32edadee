/** What the bench and the processes of the grown peers agree on. */

export interface OpenGrownArgs {
  readonly folder: string;
  readonly isOurs: boolean;
}

export interface Opened {
  /** How long it took to open the file, without the start of the process. */
  readonly openMs: number;
  /** The clock when the first question was answered, and that answer: how many items there are. */
  readonly answeredAt: number;
  readonly count: number;
}

export type Operation = "countBetween" | "rank" | "insert";

export interface TurnArgs {
  readonly operation: Operation;
  /** One for each call, or two: the lower and the upper bound. */
  readonly numbers: readonly number[];
  readonly turnMs: number;
}

export interface TurnTaken {
  readonly latenciesUs: readonly number[];
  readonly answers: readonly number[];
}

export interface Usage {
  readonly indexBytes: number;
  readonly fileBytes: number;
  readonly rssMb: number;
}

export interface Grown {
  countBetween(lower: number, upper: number): Promise<number>;
  rank(score: number): Promise<number>;
  insert(score: number): Promise<unknown>;
  /** The bytes of the aggregate or index alone. */
  indexBytes(): Promise<number>;
}

export interface OpenedPeer {
  readonly grown: Grown;
  readonly openMs: number;
  readonly count: number;
}
