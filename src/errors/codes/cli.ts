/** Error codes of the command line, sorted by name. The room throws them as `TrueupError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

export const cliCodes = {
  ADMIN_KEY_REFUSED: final(
    "The server refused the admin key.",
    "Remove CONVEX_SELF_HOSTED_ADMIN_KEY from .env.local and start `trueup dev` again: it writes the right one.",
  ),
  APP_NOT_FOUND: final(
    "This is not the folder of a Convex app.",
    "Run the command in the folder that holds the app's package.json and its convex/ folder, or make an app with `trueup init`.",
  ),
  CONVEX_NOT_INSTALLED: final(
    "The convex package is not installed in the app.",
    "Run `npm install` in the app's folder.",
  ),
  DATA_FILE_MISSING: final(
    "The app has no data file yet.",
    "Start `trueup dev` once: it creates the data file and pushes the app's code.",
  ),
  FILE_EXISTS: final(
    "The file to be written exists already.",
    "Name another file, or move the existing one; a command never overwrites a file.",
  ),
  FILE_UNAVAILABLE: final(
    "A file or folder could not be read or written.",
    "Check the path, its permissions and the disk; the message has the system's reason.",
  ),
  FUNCTION_FAILED: final(
    "The function threw an error.",
    "See the message of the function and its log lines.",
  ),
  GIT_REF_UNREADABLE: final(
    "The schema of that git ref cannot be read.",
    "Name a commit, branch or tag that this clone has; in CI fetch it first, as with `fetch-depth: 0`.",
  ),
  INSTALL_FAILED: final(
    "The app's packages could not be installed.",
    "See what the package manager printed above, and run it again by hand; the app's files are there.",
  ),
  INVALID_USAGE: final(
    "The command was called in a way it does not support.",
    "Add --help to the command to see what it takes, with examples.",
  ),
  MALFORMED_JSON: final(
    "The text is not JSON.",
    'Mend the file that the message names; in a shell, put single quotes around JSON: \'{"name":"Ann"}\'.',
  ),
  NODE_TOO_OLD: final(
    "The app's `convex` package needs a later Node than the one that runs.",
    "Use that Node, or install `convex@1.48`, the last version that runs on Node 20.",
  ),
  OFFICIAL_CLI_FAILED: final("The official Convex CLI failed.", "See what it printed above."),
  OTHER_BACKEND_CONFIGURED: final(
    "The app's environment names another backend than the local server.",
    "Remove that variable from the environment, .env.local and .env to use the local server.",
  ),
  SCHEDULED_WORK_FAILED: final(
    "Work that the function scheduled failed.",
    "See the error of the scheduled function; the function that scheduled it has succeeded.",
  ),
  SCHEMA_UNREADABLE: final(
    "The schema cannot be evaluated.",
    "See the message: the schema's own module, or one that it imports, does not bundle or throws.",
  ),
  SERVER_UNREACHABLE: retryable(
    "The data file is open in another process, but no server answers there.",
    "Look at that process: stop it, or wait until it has started.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
