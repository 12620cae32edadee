/**
 * The names by which commits know programs, from which a process that has not loaded one finds its code. Each activation makes a
 * new name of its own, so that the same code in another environment is another program. Up to the slash it says which code it is:
 * `push:<id of the push>/<token>`, or `modules:<fingerprint>/<token>` for code that nobody pushed.
 */
import { randomUUID } from "node:crypto";

/** Which code a program consists of. */
export type ProgramCodeName =
  | { readonly kind: "push"; readonly pushId: string }
  | { readonly kind: "modules"; readonly fingerprint: string };

/** The text before the slash; that of a push is also the name of its program as long as it is to come. */
export function codeText(code: ProgramCodeName): string {
  return code.kind === "push" ? `push:${code.pushId}` : `modules:${code.fingerprint}`;
}

/** A new name for a program that is put in place. */
export function newProgramName(code: ProgramCodeName): string {
  return `${codeText(code)}/${randomUUID().slice(0, 8)}`;
}

/** The code of a program, whatever its environment is: what a push is based on. Null before the first. */
export function codeTextOf(name: string | null): string | null {
  return name?.split("/")[0] ?? null;
}

/** Null for a name that no version of Trueup has given to what can be loaded from the data. */
export function parseProgramName(name: string): ProgramCodeName | null {
  const [, kind, id = ""] = /^(push|modules):([^/]+)/.exec(name) ?? [];
  if (kind === "push") return { kind, pushId: id };
  return kind === "modules" ? { kind, fingerprint: id } : null;
}

/** Whether it is the name of a program that was put in place, not of one to come. */
export function isInPlace(name: string): boolean {
  return name.includes("/");
}
