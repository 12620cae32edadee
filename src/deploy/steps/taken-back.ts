/**
 * Decides which transforms a deploy takes back: those that it no longer exports while it gives the table the type that it had
 * before them. Only the last ones can be taken back, to the nearest point at which the table had that type, and only when the
 * code that runs now has each `down`. Each `down` gets documents that have come back to the point behind its `up`.
 */
import type { KnownTransforms } from "./known-transforms.js";
import type { AppliedTransform } from "./step-history.js";
import { isWithoutDocuments, type StepsInput, type TableRename } from "./steps-input.js";
import { isSameType, typeIn } from "./table-types.js";
import { fingerprintOf, originText } from "./transform-functions.js";
import type { TransformStep } from "./transform-step.js";

export interface TakenBack {
  /** In the order to begin them: the one that was applied last comes first. */
  readonly steps: readonly TransformStep[];
  /** Those that leave the history. */
  readonly forgotten: ReadonlySet<AppliedTransform>;
  /** Transforms that would have to be taken back and cannot, by table, with the reason. */
  readonly irreversible: ReadonlyMap<string, string>;
}

/** @param transformed Tables to which the deploy brings transforms of its own. */
export function takenBack(
  input: StepsInput,
  known: KnownTransforms,
  renames: readonly TableRename[],
  transformed: ReadonlySet<string>,
): TakenBack {
  const { before, after } = input;
  const steps: TransformStep[] = [];
  const forgotten = new Set<AppliedTransform>();
  const irreversible = new Map<string, string>();
  for (const { tableName, documentType } of after?.schemaValidation === true ? after.tables : []) {
    const type = typeIn(before, tableName, renames);
    if (transformed.has(tableName) || type === null || isSameType(type, documentType)) continue;
    const retired = known.retired(tableName);
    const last = retired.findIndex((step) => step.before !== null && isSameType(step.before, documentType));
    const unknown = retired.find((step) => step.before === null);
    if (last < 0 && unknown !== undefined) irreversible.set(tableName, betweenText(unknown));
    for (const step of retired.slice(0, last + 1)) {
      const undoing = isWithoutDocuments(input, renames, tableName) ? null : undo(input, step, tableName);
      if (typeof undoing === "string") irreversible.set(tableName, undoing);
      else if (undoing !== null) steps.push(undoing);
      forgotten.add(step);
    }
    if (!irreversible.has(tableName)) continue;
    for (const step of retired) forgotten.delete(step);
  }
  return {
    steps: steps.filter(({ table }) => !irreversible.has(table)),
    forgotten,
    irreversible,
  };
}

function downText({ name }: AppliedTransform): string {
  return `The \`down\` of ${name} is written for documents of the type that its \`up\` makes, and this one is of another.`;
}

function betweenText({ name }: AppliedTransform): string {
  return (
    `The transform ${name}, which it no longer exports, came in one deploy with others, and nothing tells the type between them: ` +
    "only to the type before all of them is there a way back, without any of them."
  );
}

/** How to take back a transform, or why that cannot be. */
function undo({ running }: StepsInput, step: AppliedTransform, table: string): TransformStep | string {
  const found = running?.declarations.transforms.find(({ name }) => name === step.name);
  if (!step.hasDown) return `The transform ${step.name}, which was applied to it, has no \`down\`.`;
  if (running === null || found?.declared.down === undefined) {
    return `The transform ${step.name}, which was applied to it, is not in the code that runs now, nor is its \`down\`.`;
  }
  const { down } = found.declared;
  return {
    table,
    definition: {
      name: step.name,
      origin: originText(running.origin, fingerprintOf(found.declared), "down"),
      hasDown: true,
      ...(step.shape === null ? {} : { undoes: step.shape }),
    },
    run: down,
    takes: step.after === null ? null : { type: step.after, otherwise: downText(step) },
    record: null,
  };
}
