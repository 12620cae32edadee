/** What the event loop and the thread that watches it share. */
export interface WatchdogData {
  /** How often the loop has turned, and whether a debugger may be attached. */
  readonly cells: Int32Array;
  readonly maxStallMs: number;
  /** The file descriptor that takes the call for which the process ends. */
  readonly reportTo: number | null;
  /** Whether lines are logged as JSON. */
  readonly isJson: boolean;
}

export const beatCell = 0;
export const debuggerCell = 1;
/** How often the loop shows that it turns, and how often the thread looks. */
export const lookMs = 250;
/** By what symbol of the global object the thread asks what runs. */
export const runningCodeKey = "trueup.runningCode";
