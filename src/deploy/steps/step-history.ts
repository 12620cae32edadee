/**
 * Keeps which transforms and renames were applied to the data of a deployment, in a system table that the transactions which put
 * programs in place write. So a transform is applied once, by its name, however often the code that exports it is deployed.
 */
import { readAll, type DatabaseReader, type DatabaseWriter, type Document } from "../../database/index.js";
import type { ValidatorJson } from "../../schema/index.js";

const tableName = "_schema_steps";

interface Step {
  readonly componentPath: string;
  /** `module:export`. */
  readonly name: string;
  readonly appliedAtMs: number;
}

/** A transform that was applied. */
export interface AppliedTransform extends Step {
  readonly kind: "transform";
  /** The table's name now. */
  readonly table: string;
  /** Tells what it does, so that a transform which has only moved to another module is recognised. */
  readonly fingerprint: string;
  readonly hasDown: boolean;
  /** The number of the shape that it made; null when the table had no documents to change. */
  readonly shape: number | null;
  /**
   * The type of the table's documents before it and after it, in the names that tables have now; null when nothing was
   * enforced, or between two transforms of one deploy, where only renames of fields tell.
   */
  readonly before: ValidatorJson | null;
  readonly after: ValidatorJson | null;
}

/** A table that took another name. */
export interface AppliedRename extends Step {
  readonly kind: "renameTable";
  readonly from: string;
  readonly to: string;
}

export type AppliedStep = AppliedTransform | AppliedRename;

interface Row extends Document {
  readonly step: string;
}

/** All steps of all components, in the order they were applied. */
export async function readSteps(reader: DatabaseReader): Promise<AppliedStep[]> {
  return (await readAll<Row>(reader, tableName)).map(({ step }) => JSON.parse(step) as AppliedStep);
}

/** Makes these the steps; those that were there before are not written again. O(steps). */
export async function writeSteps(writer: DatabaseWriter, steps: readonly AppliedStep[]): Promise<void> {
  const wanted = new Set(steps.map((step) => JSON.stringify(step)));
  for (const { _id, step } of await readAll<Row>(writer, tableName)) {
    if (!wanted.delete(step)) await writer.delete(_id, tableName);
  }
  for (const step of wanted) await writer.insert(tableName, { step });
}
