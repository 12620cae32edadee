/**
 * Adds to the errors that reach a test the words that the official `convex-test` has for them. The engine has the words of
 * Convex's backend, but suites that were written on the mock often match those of the mock.
 */
import { isTrueupError, type TrueupError } from "../errors/index.js";
import { checkedValueOf, type Violation } from "../schema/index.js";
import { mockRefusal } from "./mock-validation.js";

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

function mockWords({ code, details, message }: TrueupError): string | null {
  const of = (name: string): string => String(details[name]);
  switch (code) {
    case "INVALID_ARGUMENTS":
      return violationWords(details["violations"]) ?? receivedWords(message);
    case "SCHEMA_VIOLATION":
      return violationWords(details["violations"]);
    case "INVALID_RETURN": {
      const words = violationWords(details["violations"]);
      return words && `Return value validation failed for ${of("kind")} "${of("path")}":\n${words}`;
    }
    case "COMPONENT_MISSING":
      return `Component "${of("componentPath")}" is not registered. Call "t.registerComponent".`;
    case "FUNCTION_NOT_FOUND":
      return missingFunctionWords(of("path"), details["hasModule"] === true);
    case "FUNCTION_WRONG_KIND":
      return details["calledAs"] === undefined ? null : wrongKindWords(of("path"), of("calledAs"));
    case "PAGINATED_TWICE":
      return paginatedTwice;
    case "DOCUMENT_NOT_FOUND":
      return goneWords(of("method"), of("id"));
    case "WRONG_TABLE":
      return `Invalid argument \`id\`, expected ID in table '${of("expected")}' but got ID in table '${of("actual")}'`;
    case "INVALID_ID":
      return `Invalid argument \`id\`, expected ID value but got '${of("id")}'`;
    case "INDEX_NOT_FOUND":
      return `Cannot use ${message.includes("vector index") ? "vector " : ""}index "${of("index")}" for table "${of("table")}" because it is not declared in the schema.`;
    case "INVALID_INDEX_RANGE":
      return typeof details["expected"] === "string"
        ? `Incorrect field used in \`withIndex\`, expected "${details["expected"]}", got "${of("field")}"`
        : null;
    case "TRANSACTION_LIMIT":
      return limitWords[of("limit")] ?? null;
    default:
      return null;
  }
}

const paginatedTwice =
  "Only a single paginated query (`.paginate()`) is allowed per function execution. Calling `.paginate()` more than once in a " +
  "single Convex function fails at runtime in a deployed backend. This is a Convex limit: https://docs.convex.dev/database/pagination";

function missingFunctionWords(path: string, hasModule: boolean): string {
  const [modulePath = "", exportName = ""] = path.split(":");
  return hasModule
    ? `Expected a Convex function exported from module "${modulePath}" as \`${exportName}\`, but there is no such export.`
    : `Could not find module for: "${modulePath}"`;
}

function wrongKindWords(path: string, calledAs: string): string {
  const [modulePath = "", exportName = ""] = path.split(":");
  const kind = calledAs === "action" ? "an action" : `a ${calledAs}`;
  return `Expected ${kind} function, but the function exported from module "${modulePath}" as \`${exportName}\` is not ${kind}.`;
}

function goneWords(method: string, id: string): string {
  if (method === "delete") return "Delete on non-existent doc";
  return `${method === "patch" ? "Patch" : "Replace"} on non-existent document with ID "${id}"`;
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

function violationWords(violations: unknown): string | null {
  const checked = Array.isArray(violations) ? checkedValueOf(violations as readonly Violation[]) : undefined;
  return checked === undefined ? null : mockRefusal(checked.validator, checked.value, checked.context);
}

/** Of arguments that are no object. */
function receivedWords(message: string): string {
  return `Validator error: Expected \`object\`, got \`${message.slice(message.lastIndexOf(": ") + 2)}\``;
}
