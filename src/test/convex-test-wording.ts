/**
 * Adds to the errors that reach a test the words that the official `convex-test` has for them. The engine has the words of
 * Convex's backend, but suites that were written on the mock often match those of the mock.
 */
import { isTrueupError, type TrueupError } from "../errors/index.js";

const worded = new WeakSet<object>();

/** Runs a call. If it throws an error of Trueup's, the message gets the words of the mock as a further line. */
export async function withMockWording<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isTrueupError(error) && !worded.has(error)) {
      worded.add(error);
      const words = mockWords(error);
      if (words !== null) {
        error.message = `${error.message}\n${words}`;
      }
    }
    throw error;
  }
}

function mockWords({ code, details }: TrueupError): string | null {
  switch (code) {
    case "INVALID_ARGUMENTS":
    case "SCHEMA_VIOLATION":
      return validatorError(details["violations"]);
    case "INVALID_RETURN":
      return `Return value validation failed for "${String(details["path"])}":\n${validatorError(details["violations"])}`;
    case "COMPONENT_MISSING":
      return `Component "${String(details["componentPath"])}" is not registered. Call "t.registerComponent".`;
    case "FUNCTION_NOT_FOUND":
      return `Could not find module for: "${String(details["path"]).split(":")[0]}"`;
    case "PAGINATED_TWICE":
      return "Only a single paginated query (`.paginate()`) is allowed per function execution.";
    case "TRANSACTION_LIMIT":
      return limitWords[String(details["limit"])] ?? null;
    default:
      return null;
  }
}

const limitWords: Readonly<Record<string, string>> = {
  bytesRead: "Read too much data in a single function execution",
  documentsRead: "Scanned too many documents in a single function execution",
  bytesWritten: "Wrote too much data in a single function execution",
  documentsWritten: "Wrote too many documents in a single function execution",
  databaseQueries: "Too many index ranges read in a single function execution",
  functionsScheduled: "Scheduled too many functions in a single function execution",
  scheduledFunctionArgsBytes: "Scheduled function arguments too large in a single function execution",
};

interface SeenViolation {
  readonly kind: string;
  readonly expected: string;
  readonly actual: string;
  readonly field?: string;
}

function validatorError(violations: unknown): string {
  const [first] = (violations ?? []) as readonly SeenViolation[];
  if (first === undefined) {
    return "Validator error";
  }
  switch (first.kind) {
    case "missingField":
      return `Validator error: Missing required field \`${first.field}\` in object`;
    case "extraField":
      return `Validator error: Unexpected field \`${first.field}\` in object`;
    default:
      return `Validator error: Expected \`${first.expected}\`, got \`${first.actual}\``;
  }
}
