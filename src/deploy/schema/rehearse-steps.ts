/**
 * Tries the transforms of a deploy on every document that is there, before anything is changed: those that throw, make no
 * document, are not pure, or make one that the new schema refuses are told with the ids of the documents.
 */
import type {
  Database,
  DatabaseReader,
  Document,
  Rehearsal,
  RehearsalComplaint,
  TransformFunction,
} from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import {
  compileTable,
  describeViolation,
  describeViolations,
  violationGroup,
  type CheckContext,
  type TableJson,
} from "../../schema/index.js";
import type { TransformStep } from "../steps/component-steps.js";
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

/** A rehearsal in which documents failed. */
export interface FailedRehearsal extends TableSteps {
  readonly rehearsal: Rehearsal;
}

/** O(documents × transforms). */
export async function rehearseSteps(
  database: Database,
  of: TableRehearsal,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const { componentPath, storedAs, newNames, table, steps, aggregates } = of;
  const context = contextWith(newNames, (id) => database.tableOfId(componentPath, id));
  const transforms = steps.map((step) => ({
    run: onlyFitting(step, context),
    undoes: step.definition.undoes,
  }));
  const through = aggregates.isEmpty ? transforms : [aggregates.notice, ...transforms];
  const compiled = table === null ? null : compileTable(table);
  const complaints = (document: Document): readonly RehearsalComplaint[] =>
    compiled === null || compiled.fits(document, context)
      ? []
      : compiled.check(document, context).map((violation) => ({
          kind: violationGroup(violation),
          message: describeViolation(violation),
        }));
  const check = (document: Document): readonly RehearsalComplaint[] => {
    aggregates.compare(document);
    return complaints(document);
  };
  return await database.rehearse({ componentPath, tableName: storedAs, through, check, signal });
}

/** The function of a step, which throws for a document that it is not written for. */
function onlyFitting(step: TransformStep, context: CheckContext): TransformFunction {
  const { takes, run, table } = step;
  if (takes === null) return run;
  const { fits, check } = compileTable({ tableName: table, documentType: takes.type });
  return (document) => {
    if (fits(document, context)) return run(document);
    throw new Error(`${takes.otherwise}\n${describeViolations(check(document, context))}`);
  };
}

/**
 * The same for some documents, as part of the transaction that puts the program in place, when the table has its new name and
 * before its transforms begin. Those that are gone are no problem. @throws TRANSFORM_FAILED
 */
export async function rehearseSome(
  reader: DatabaseReader,
  { steps, newName, componentPath }: TableSteps,
  ids: Iterable<string>,
): Promise<void> {
  if (steps.every(({ takes }) => takes === null)) return;
  const through = steps.map((step) => ({ step, run: onlyFitting(step, reader) }));
  for (const id of ids) {
    let document = await reader.get(id, newName);
    for (const { step, run } of through) {
      if (document === null) break;
      try {
        document = { ...run(document), _id: document._id, _creationTime: document._creationTime };
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

/** What is said of transforms that failed. */
export function rehearsalRefusal(failed: readonly FailedRehearsal[]): TrueupError {
  const message = `${failed.map(describeFailed).join("\n\n")}\n\nNothing has changed.`;
  return new TrueupError("TRANSFORM_REHEARSAL_FAILED", message, {
    failures: failed.map(({ componentPath, storedAs, steps, rehearsal }) => ({
      componentPath,
      table: storedAs,
      transforms: steps.map(({ definition: { name } }) => name),
      processed: rehearsal.processed,
      failed: rehearsal.failed,
      failures: rehearsal.failures,
    })),
  });
}

function describeFailed({ componentPath, storedAs, steps, rehearsal }: FailedRehearsal): string {
  const names = steps.map(nameOf);
  const where = componentPath === "" ? "" : ` of component "${componentPath}"`;
  const head =
    `Rehearsal of ${names.join(", ")} failed on ${counted(rehearsal.failed)} of ` +
    `${rehearsal.processed.toLocaleString("en-US")} in table "${storedAs}"${where}:`;
  const kinds = rehearsal.failures.map(({ kind, count, message, ids }, at) => {
    const listed = ids.slice(0, 3).map((id) => `"${id}"`);
    const more = count > listed.length ? [...listed, "..."] : listed;
    return `${at + 1}. ${counted(count)} (${kind}): ${more.join(", ")}\n${message.replaceAll(/^/gm, "   ")}`;
  });
  return [head, ...kinds].join("\n\n");
}

function nameOf({ definition: { name }, record }: TransformStep): string {
  return record === null ? `the \`down\` of ${name}` : name;
}

function counted(documents: number): string {
  return documents === 1 ? "1 document" : `${documents.toLocaleString("en-US")} documents`;
}
