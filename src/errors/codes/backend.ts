/** Error codes of backends, sorted by name. The room throws them as `TrueupError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

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
  PROGRAM_NOT_LOADED: retryable(
    "This process cannot load the program that runs, and answers no calls in its place.",
    "See the message for the reason; mend what it names on this machine and restart the process, or deploy code that loads. Other processes may answer.",
  ),
  STORAGE_PROGRAM_DIFFERS: final(
    "The storage is shared, and runs another program than the modules that were given.",
    "Open it without `modules`: it then runs the code that was pushed. To bring other code, push it (`npx convex deploy`), or open without `modules` and call `backend.activate(...)` once.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
