/** Error codes of keeping managed aggregates, sorted by name. The room throws them as `TrueupError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

export const integrityCodes = {
  AGGREGATE_BUILD_FAILED: final(
    "An aggregate cannot be built from its table.",
    "See the message for the document and the error; mend the document or the definition, and the build goes on by itself.",
  ),
  AGGREGATE_NOT_FOUND: final(
    "The app exports no managed aggregate of this name.",
    "An aggregate has the name of its component, and `trueup aggregates` lists them all. A managed one names its `table`.",
  ),
  AGGREGATE_VERIFY_FAILED: retryable(
    "Verifying an aggregate was interrupted by an error.",
    "See the message; the run goes on where it stopped when it is asked for again.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
