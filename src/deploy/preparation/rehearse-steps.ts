/**
 * Tries the transforms of a deploy on every document that is there, before anything is changed. It finds those that throw, that
 * make no document, that are not pure, or that make one which the new schema refuses, with the ids of the documents.
 */
import type {
  Database,
  DatabaseReader,
  Document,
  Rehearsal,
  RehearsalComplaint,
  RehearsedTransform,
} from "../../database/index.js";
import type { LoadedProgram } from "../../functions/index.js";
import type { DeclaredTransform } from "../../seams/index.js";
import { TrueupError } from "../../errors/index.js";
import {
  compileTable,
  describeViolation,
  describeViolations,
  violationGroup,
  type CheckContext,
  type TableJson,
  type ValidatorJson,
} from "../../schema/index.js";
import type { TransformStep } from "../steps/transform-step.js";
import { contextWith } from "./check-documents.js";
import type { UntouchedAggregates } from "./untouched-aggregates.js";

/** The transforms of one table. */
export interface TableSteps {
  readonly componentPath: string;
  /** The name that it has now, and the names that tables of the component are going to have. */
  readonly storedAs: string;
  /** The name that it is going to have. */
  readonly newName: string;
  readonly newNames: ReadonlyMap<string, string>;
  /** By its new name; null where nothing is enforced, or where migrations go on from what transforms made. */
  readonly table: TableJson | null;
  readonly steps: readonly TransformStep[];
}

/** The rehearsal of a table, and what it finds out. */
export interface TableRehearsal extends TableSteps {
  readonly aggregates: UntouchedAggregates;
  /** How far the table was written through, where what lags comes back as it is stored; null where that tells nothing. */
  readonly lagging: string | null;
}

/** What came of a rehearsal. */
export interface RehearsedSteps extends TableSteps {
  readonly rehearsal: Rehearsal;
}

/** The program that brings transforms, and the same program with other instances of its modules, if there is one. */
interface Programs {
  readonly program: LoadedProgram;
  readonly anew: LoadedProgram | null;
}

/** O(documents × transforms). */
export async function rehearseSteps(
  database: Database,
  of: TableRehearsal,
  programs: Programs,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const { componentPath, storedAs, newNames, table, steps, aggregates } = of;
  const context = contextWith(newNames, (id) => database.tableOfId(componentPath, id));
  const through = steps.map((step) => ({
    ...rehearsedTransform(step, componentPath, programs),
    canComeBack: canComeBack(step, context),
    misfitOf: misfitOf(step, context),
  }));
  const compiled = table === null ? null : compileTable(table);
  const complaints = (document: Document): readonly RehearsalComplaint[] =>
    compiled === null || compiled.fits(document, context)
      ? []
      : compiled.check(document, context).map((violation) => ({
          kind: violationGroup(violation),
          message: describeViolation(violation),
        }));
  const check = (document: Document, before: () => Document): readonly RehearsalComplaint[] => {
    if (!aggregates.isEmpty) aggregates.compare(before(), document);
    return complaints(document);
  };
  return await database.rehearse({ componentPath, tableName: storedAs, through, check, signal });
}

/**
 * A transform that goes forth is tried with its `down`, which is to bring back what `up` was given; one that goes back is
 * tried alone.
 */
function rehearsedTransform(
  { definition: { name, undoes }, run, record }: TransformStep,
  componentPath: string,
  { program, anew }: Programs,
): RehearsedTransform {
  const declaredIn = (of: LoadedProgram | null): DeclaredTransform | undefined =>
    of?.components.get(componentPath)?.declarations.transforms.find((each) => each.name === name)?.declared;
  if (record === null) return { name, run, undoes };
  return { name, run, down: declaredIn(program)?.down, anew: declaredIn(anew)?.up };
}

/**
 * While migrations are at work, a document may lack what the type before it asks for, to which the way back leads, or the
 * transform may make one that they have yet to finish, for which `down` is not written.
 */
function canComeBack(
  { record, table }: TransformStep,
  context: CheckContext,
): (before: Document, after: Document) => boolean {
  const isOf = (documentType: ValidatorJson | null | undefined): ((document: Document) => boolean) => {
    if (documentType === null || documentType === undefined) return () => true;
    const { fits } = compileTable({ tableName: table, documentType });
    return (document) => fits(document, context);
  };
  const isOfBefore = isOf(record?.before);
  const isOfAfter = isOf(record?.after);
  return (before, after) => isOfBefore(before) && isOfAfter(after);
}

/** Says of a document that a step is not written for what is wrong with it; null for any other. */
function misfitOf(
  { takes, table }: TransformStep,
  context: CheckContext,
): (document: Document) => string | null {
  if (takes === null) return () => null;
  const { fits, check } = compileTable({ tableName: table, documentType: takes.type });
  return (document) =>
    fits(document, context) ? null : `${takes.otherwise}\n${describeViolations(check(document, context))}`;
}

/**
 * Tries the transforms on some documents, as part of the transaction that puts the program in place, when the table has its new
 * name and before its transforms begin. Documents that are gone are no problem. @throws TRANSFORM_FAILED
 */
export async function rehearseSome(
  reader: DatabaseReader,
  { steps, newName, componentPath }: TableSteps,
  ids: Iterable<string>,
): Promise<void> {
  if (steps.every(({ takes }) => takes === null)) return;
  const through = steps.map((step) => ({ step, misfit: misfitOf(step, reader) }));
  for (const id of ids) {
    let document = await reader.get(id, newName);
    for (const { step, misfit } of through) {
      if (document === null) break;
      try {
        const why = misfit(document);
        if (why !== null) throw new Error(why);
        document = { ...step.run(document), _id: document._id, _creationTime: document._creationTime };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new TrueupError(
          "TRANSFORM_FAILED",
          `Document ${id} of table "${newName}", which was written after the rehearsal, cannot be carried over: ${message}`,
          { id, table: newName, componentPath, transform: step.definition.name, error: message },
          error,
        );
      }
    }
  }
}
