/**
 * The forms that a document may have while migrations are at work: as it is before any of them has come to it, and so on to
 * the last. With none at work there is one.
 */
import assert from "node:assert/strict";
import type { Fields, Migrate, Shape, Step } from "./history-steps.js";

/** At least one; the last is the one in the end. */
export type Forms = readonly [Fields, ...Fields[]];

/** The forms of a document behind a step. */
export function carried(forms: Forms, step: Step): Forms {
  const carriedOver: Forms = step.up === null ? forms : [step.up(last(forms))];
  return step.migrations.reduce<Forms>((before, migrate) => [...before, migrate(last(before))], carriedOver);
}

/**
 * The forms of a document behind a way back over migrations: those that none of them has made, and those that the schema takes.
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

/** All migrations after each other. */
export function through(migrates: readonly Migrate[]): Migrate {
  return (doc) => migrates.reduce((made, migrate) => migrate(made), doc);
}

/** The one that it has in the end. */
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
