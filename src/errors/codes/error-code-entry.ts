/** What is known of every error code: its general meaning, what to do about it, and whether trying again can help. */
export interface ErrorCodeEntry {
  readonly meaning: string;
  readonly hint: string;
  readonly retryable: boolean;
}

/** The entry of a code for what fails again when it is tried again. */
export function final(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: false };
}

/** The entry of a code for what may succeed when it is simply tried again. */
export function retryable(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: true };
}
