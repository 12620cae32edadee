/** Error codes of backends, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const backendCodes = {
  BACKEND_CLOSED: final("The backend is closed.", "Open it again before calling functions."),
  INVALID_ADMIN_KEY: final(
    "A key of an admin cannot be made or revoked under this name.",
    "See the message; `trueup keys list` has the names of all keys.",
  ),
  INVALID_OPTIONS: final(
    "An option has a value that it does not take.",
    "See the message for the option and what it takes.",
  ),
  MODULES_MISSING: final(
    "There is no code to run: none was given, and none is stored in the data file.",
    "Pass `modules` to openBackend, or push code with `trueup dev` or `npx convex deploy`.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
