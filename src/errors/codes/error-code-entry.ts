/** What every error code says of itself: its general meaning, what to do about it, and whether to try again. */
export interface ErrorCodeEntry {
  readonly meaning: string;
  readonly hint: string;
  readonly retryable: boolean;
}

/** A code of something that fails again when it is tried again. */
export function final(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: false };
}

/** A code of something that may succeed when it is simply tried again. */
export function retryable(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: true };
}
