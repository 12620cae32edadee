/**
 * A violation says that a value does not fit its validator at one place: where, what was expected and
 * what is there. The texts in it are shortened and safe to store, count and print.
 */

import type { Place } from "./place.js";

interface ViolationBase extends Place {
  /** The validator at this place, as source text. */
  readonly expected: string;
  /** The value at this place, as source text; "undefined" when it is absent. */
  readonly actual: string;
}

/** The object around a missing or an extra field. */
export interface SurroundingObject {
  readonly path: string;
  readonly object: string;
  readonly validator: string;
}

export type Violation =
  /** A required field is absent. */
  | (ViolationBase & {
      readonly kind: "missingField";
      readonly field: string;
      readonly within: SurroundingObject;
    })
  /** A field that the validator does not name. */
  | (ViolationBase & {
      readonly kind: "extraField";
      readonly field: string;
      readonly within: SurroundingObject;
    })
  /** A field of the user's at the top of a document that begins with an underscore. */
  | (ViolationBase & { readonly kind: "reservedField"; readonly field: string })
  /** A value of another kind, or one that no member of a union takes. */
  | (ViolationBase & { readonly kind: "noMatch" })
  /** A value of the literal's kind that is not the literal. */
  | (ViolationBase & { readonly kind: "literalMismatch" })
  /** An id of another table. */
  | (ViolationBase & { readonly kind: "wrongTable"; readonly foundTable: string })
  /** A record key that is no field name: not printable ASCII, or beginning with `$`. */
  | (ViolationBase & { readonly kind: "invalidRecordKey" });

export type ViolationKind = Violation["kind"];

/** The same text for violations that differ only in their documents' values: to count them by. */
export function violationGroup(violation: Violation): string {
  const found = violation.kind === "wrongTable" ? ` found v.id("${violation.foundTable}")` : "";
  return `${violation.kind} at ${violation.pattern === "" ? "the value" : violation.pattern}: expected ${violation.expected}${found}`;
}
