/** What a caller without the admin key is told who asks for what only admins may do. */
import type { FunctionReply } from "./function-reply.js";

/** In the words that the official CLI looks for, to end with them instead of trying again. */
export const permissionDenied: FunctionReply = {
  status: "error",
  errorMessage: "You do not have permission to perform this operation: it needs the server's admin key.",
  logLines: [],
};
