/**
 * Calls that kept the event loop, so that the process had to be ended: nothing in a process can end code that never lets the
 * loop turn. Whoever made such a call makes it again when a new process answers; so that process refuses it, until the app
 * has other code. It is told of these calls by whoever ended the one before.
 */
import { createHash } from "node:crypto";
import { convexToJson, type Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import { codeThatRuns } from "../program/program-globals.js";
import { currentExecution, type Execution } from "./execution.js";
import { appFrames } from "./thrown.js";

/** A call from outside, in a form that another process can compare. */
export interface StalledCall {
  /** Tells code apart. */
  readonly codeId: string;
  readonly componentPath: string;
  readonly path: string;
  /** A hash of the arguments. */
  readonly args: string;
}

/** What runs at a moment, as whoever ends the process tells of it. */
export interface RunningCode {
  /** "mutation 'messages:send' (request 0123456789abcdef)" */
  readonly what: string;
  /** The lines of the app that it came through, as in a stack. */
  readonly where: readonly string[];
  /** Null where no function was called: while code is imported. */
  readonly call: StalledCall | null;
}

/** After so many, with whatever arguments, the function is refused with any. */
const maxOfFunction = 3;

export class StalledCalls {
  readonly #calls: readonly StalledCall[];

  constructor(calls: readonly StalledCall[]) {
    this.#calls = calls;
  }

  /** @throws FUNCTION_TIMEOUT for a call that the code has stalled in before */
  assertNone(program: LoadedProgram, componentPath: string, path: string, args: unknown): void {
    if (this.#calls.length === 0) return;
    const codeId = codeIdOf(program);
    const ofFunction = this.#calls.filter(
      (call) => call.codeId === codeId && call.componentPath === componentPath && call.path === path,
    );
    const hash = ofFunction.length === 0 ? "" : hashOf(args);
    if (ofFunction.length < maxOfFunction && !ofFunction.some((call) => call.args === hash)) return;
    const which = ofFunction.length < maxOfFunction ? " with these arguments" : "";
    throw new TrueupError(
      "FUNCTION_TIMEOUT",
      `'${path}'${which} has kept the server from everything else until it was ended, and is not run before its code changes.`,
      { path },
    );
  }
}

/** What the code that called this runs for; null where it is none of an app. */
export function runningCode(): RunningCode | null {
  const execution = currentExecution.getStore();
  if (execution === undefined && !codeThatRuns.isImported) return null;
  const where = appFrames(new Error());
  if (execution === undefined) return { what: "code that is imported", where, call: null };
  const { subject, request } = execution;
  const outermost = outermostOf(execution);
  const from = outermost === execution ? "" : `, called by '${outermost.subject.path}'`;
  return {
    what: `${subject.kind} '${subject.path}'${from} (request ${request.id})`,
    where,
    call: {
      codeId: codeIdOf(execution.program),
      componentPath: outermost.component.path,
      path: outermost.subject.path,
      args: hashOf(request.args),
    },
  };
}

function outermostOf(execution: Execution): Execution {
  return execution.parent === null ? execution : outermostOf(execution.parent);
}

function codeIdOf({ root }: LoadedProgram): string {
  return root.program.codeId ?? "";
}

function hashOf(args: unknown): string {
  const text = JSON.stringify(convexToJson((args ?? {}) as Value));
  return createHash("sha256").update(text).digest("hex");
}
