/**
 * Computes the forms that a document may have while migrations are at work: the form before the first of them, and the form
 * after each. Without migrations there is one form.
 */
import assert from "node:assert/strict";
import type { Fields, Migrate, Shape, Step } from "./history-steps.js";

/** There is at least one form; the last is the final one. */
export type Forms = readonly [Fields, ...Fields[]];

/** The forms of a document after a step. */
export function carried(forms: Forms, step: Step): Forms {
  const carriedOver: Forms = step.up === null ? forms : [step.up(last(forms))];
  return step.migrations.reduce<Forms>((before, migrate) => [...before, migrate(last(before))], carriedOver);
}

/**
 * The forms of a document after a way back over migrations: those that none of them has made, and those that the schema takes.
 * @param added How many forms the migrations have added.
 */
export function fitting(forms: Forms, { types }: Shape, added: number): Forms {
  const names = Object.keys(types).toSorted();
  const [first, ...others] = forms.filter(
    (form, at) =>
      at < forms.length - added ||
      (isSame(Object.keys(form).toSorted(), names) &&
        names.every((name) => typeof form[name] === types[name])),
  );
  assert(first !== undefined, "a document that does not fit the schema");
  return [first, ...others];
}

/** Applies all migrations, one after the other. */
export function through(migrates: readonly Migrate[]): Migrate {
  return (doc) => migrates.reduce((made, migrate) => migrate(made), doc);
}

/** The final form. */
export function last(forms: Forms): Fields {
  return forms.at(-1) ?? forms[0];
}

/** Whether two documents have the same fields, in whatever order. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(doc: unknown): unknown {
  if (typeof doc !== "object" || doc === null) return doc;
  return Object.entries(doc).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
