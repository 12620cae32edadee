/** Finds the function that a call from outside runs, and checks whether the caller may run it. */
import { isTrueupError } from "../../errors/index.js";
import type { FunctionCall } from "../call.js";
import { functionNotFound, type LoadedComponent, type LoadedFunction } from "../program/loaded-component.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import { assertKind, referenceText } from "./invoke.js";
import type { Run } from "./run.js";

/**
 * @throws COMPONENT_MISSING, FUNCTION_NOT_FOUND, FUNCTION_WRONG_KIND; FUNCTION_NOT_PUBLIC, in the same words whether or not
 *   the function exists
 */
export function callTarget(
  program: LoadedProgram,
  call: FunctionCall,
): Pick<Run, "component" | "subject" | "handler" | "fn"> {
  const component = program.component(call.componentPath ?? "");
  if ("handler" in call) {
    const subject = { kind: call.kind, path: "inline", visibility: "public" } as const;
    return { component, subject, handler: call.handler, fn: null };
  }
  const text = "path" in call ? call.path : referenceText(call.reference);
  const fn = call.allowInternal ? program.resolve(component, text) : publicFunction(program, component, text);
  if (call.kind !== undefined) {
    assertKind(fn, call.kind);
  }
  return { component: fn.component, subject: fn, handler: fn.handler, fn };
}

/** Imports what the call needs, where modules are imported on demand. Returns null when there is nothing to wait for. */
export function prepareCall(program: LoadedProgram, call: FunctionCall): Promise<void> | null {
  if ("handler" in call) {
    return null;
  }
  const text = "path" in call ? call.path : referenceText(call.reference);
  return program.prepare(program.component(call.componentPath ?? ""), text);
}

function publicFunction(program: LoadedProgram, component: LoadedComponent, text: string): LoadedFunction {
  let fn: LoadedFunction | null = null;
  try {
    fn = program.resolve(component, text);
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "FUNCTION_NOT_FOUND") {
      throw error;
    }
  }
  if (fn === null || fn.visibility !== "public") {
    throw functionNotFound(component, text, "public function");
  }
  return fn;
}
