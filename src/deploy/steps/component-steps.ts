/**
 * What a deploy does to the data of one component before its schema holds: which of the declared transforms and renames are
 * new, and which of those applied before it takes back. It is decided from the declarations, the history and the two schemas
 * alone, in three parts: `table-renames.ts`, `new-transforms.ts` and `taken-back.ts`.
 */
import type { SchemaRenames } from "../../schema/index.js";
import { KnownTransforms } from "./known-transforms.js";
import { newTransforms } from "./new-transforms.js";
import type { AppliedStep } from "./step-history.js";
import { newNames, type StepsInput, type TableRename } from "./steps-input.js";
import { tableRenames } from "./table-renames.js";
import { takenBack } from "./taken-back.js";
import type { TransformStep } from "./transform-step.js";

export interface ComponentSteps {
  readonly componentPath: string;
  /** Tables that take other names, all in one go. */
  readonly renames: readonly TableRename[];
  /** Empty tables that have a name which another table takes. */
  readonly makeWay: readonly string[];
  /** In the order to begin them. */
  readonly transforms: readonly TransformStep[];
  /** Tables whose transforms are taken back. */
  readonly undone: ReadonlySet<string>;
  /** The history as it will be, without the transforms that are yet to begin. */
  readonly history: readonly AppliedStep[];
  /** Transforms that the deploy would have to take back and cannot, by table, with the reason. */
  readonly irreversible: ReadonlyMap<string, string>;
  /** For a plan: tables that take another name, and fields that transforms only rename. */
  readonly declaredRenames: SchemaRenames;
}

/** O(declarations + history). @throws TRANSFORM_INVALID */
export function componentSteps(input: StepsInput): ComponentSteps {
  const renames = tableRenames(input);
  const known = new KnownTransforms(input.history, input.next.declarations.transforms, newNames(renames.now));
  const forth = newTransforms(input, known, renames.now);
  const transformed = new Set(forth.steps.map(({ table }) => table));
  const back = takenBack(input, known, renames.now, transformed);
  return {
    componentPath: input.componentPath,
    renames: renames.now,
    makeWay: renames.makeWay,
    transforms: [...forth.steps, ...back.steps],
    undone: new Set(back.steps.map(({ table }) => table)),
    history: [
      ...renames.history,
      ...known.applied.filter((step) => !back.forgotten.has(step)),
      ...forth.settled,
    ],
    irreversible: back.irreversible,
    declaredRenames: {
      tables: Object.fromEntries(renames.now.map(({ from, to }) => [from, to])),
      fields: forth.fieldRenames,
    },
  };
}
