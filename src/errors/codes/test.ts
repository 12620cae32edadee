/** Error codes of `trueup/test`, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const testCodes = {
  SCHEDULED_WITHOUT_END: final(
    "finishAllScheduledFunctions: too many iterations.",
    "Check for infinitely recursive scheduled functions, or increase maxIterations.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
