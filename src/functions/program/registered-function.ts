/**
 * Finds the Convex functions among the exports of a module. The builders of the `convex` package mark what they make. Nothing
 * but these marks is relied on, so a bundle may bring its own copy of the builders.
 */
import { TrueupError } from "../../errors/index.js";
import { compileValidator, type CompiledValidator, type ValidatorJson } from "../../schema/index.js";
import { formatFunctionPath } from "./modules.js";

export type FunctionKind = "query" | "mutation" | "action";
export type FunctionVisibility = "public" | "internal";

/** The code of a function. The types of its arguments and of its result are the app's. */
export type Handler = (ctx: object, args: unknown) => unknown;

/** One function that a module exports, with its validators compiled. */
export interface RegisteredFunction {
  readonly kind: FunctionKind;
  readonly visibility: FunctionVisibility;
  /** `dir/mod:fn`. */
  readonly path: string;
  readonly handler: Handler;
  /** Null when the function takes any arguments. */
  readonly args: CompiledValidator | null;
  /** Null when the function may return anything. */
  readonly returns: CompiledValidator | null;
}

/** What a listing of functions tells of one. */
export interface FunctionSpec {
  readonly componentPath: string;
  readonly path: string;
  readonly kind: FunctionKind;
  readonly visibility: FunctionVisibility;
  readonly args: ValidatorJson;
  readonly returns: ValidatorJson | null;
}

type Marked = ((...args: never[]) => unknown) & Readonly<Record<string, unknown>>;

/** The functions that a module exports. @throws MODULE_FAILED when one of them has a broken validator. */
export function functionsOfModule(
  modulePath: string,
  module: Readonly<Record<string, unknown>>,
): RegisteredFunction[] {
  const found: RegisteredFunction[] = [];
  for (const [exportName, value] of Object.entries(module)) {
    const kind = kindOf(value);
    if (kind !== null) {
      const path = formatFunctionPath({ modulePath, exportName });
      found.push(registeredFunction(path, kind, value as Marked));
    }
  }
  return found;
}

/** The kind of a registered function; null for every other value, HTTP actions included. */
function kindOf(value: unknown): FunctionKind | null {
  if (typeof value !== "function") {
    return null;
  }
  const marked = value as Marked;
  if (typeof marked["_handler"] !== "function") {
    return null;
  }
  if (marked["isQuery"] === true) {
    return "query";
  }
  if (marked["isMutation"] === true) {
    return "mutation";
  }
  return marked["isAction"] === true ? "action" : null;
}

function registeredFunction(path: string, kind: FunctionKind, marked: Marked): RegisteredFunction {
  const args = exportedValidator(path, marked, "exportArgs");
  if (args !== null && args.type !== "object" && args.type !== "any") {
    throw new TrueupError(
      "MODULE_FAILED",
      `Invalid JSON returned from ${path}.exportArgs(): Args validator must be an object or any`,
      { path },
    );
  }
  return {
    kind,
    visibility: marked["isPublic"] === true ? "public" : "internal",
    path,
    handler: marked["_handler"] as Handler,
    args: compiled(args),
    returns: compiled(exportedValidator(path, marked, "exportReturns")),
  };
}

function exportedValidator(path: string, marked: Marked, method: string): ValidatorJson | null {
  const exporter = marked[method];
  if (typeof exporter !== "function") {
    return null;
  }
  try {
    return JSON.parse(String(exporter.call(marked))) as ValidatorJson | null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TrueupError("MODULE_FAILED", `The validator of ${path} is broken: ${reason}`, { path }, error);
  }
}

function compiled(validator: ValidatorJson | null): CompiledValidator | null {
  return validator === null || validator.type === "any" ? null : compileValidator(validator);
}
