/** Error codes of the server, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const serverCodes = {
  PORT_IN_USE: final(
    "The server cannot listen on the port.",
    "Choose another one with `--port`, or stop the program that has it.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
