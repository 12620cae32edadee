/** What is known before it is decided what a deploy does to the data of one component, and what follows from that at once. */
import type { ExportedDeclarations } from "../../functions/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { AppliedStep } from "./step-history.js";
import type { ProgramOrigin } from "./transform-functions.js";

/** The code of a component as far as transforms go, and where it comes from. */
export interface DeclaringCode {
  readonly declarations: Pick<ExportedDeclarations, "transforms" | "tableRenames">;
  readonly origin: ProgramOrigin;
}

export interface StepsInput {
  readonly componentPath: string;
  readonly next: DeclaringCode;
  /** The code that runs; null when there is none. */
  readonly running: DeclaringCode | null;
  /** The steps that were applied to the component, in their order. */
  readonly history: readonly AppliedStep[];
  /** The schema in force. */
  readonly before: SchemaJson | null;
  /** Whether there may be documents that do not fit it. */
  readonly isPending: boolean;
  readonly after: SchemaJson | null;
  /** How many documents the component's tables have. */
  readonly documents: ReadonlyMap<string, number>;
}

export interface TableRename {
  readonly from: string;
  readonly to: string;
}

/** What a table will be called. */
export function newNames(renames: readonly TableRename[]): (table: string) => string {
  const names = new Map(renames.map(({ from, to }) => [from, to]));
  return (table) => names.get(table) ?? table;
}

/** Whether a table, by the name that it is going to have, has no documents now. */
export function isWithoutDocuments(
  { documents }: StepsInput,
  renames: readonly TableRename[],
  table: string,
): boolean {
  const storedAs = renames.find(({ to }) => to === table)?.from ?? table;
  return (documents.get(storedAs) ?? 0) === 0;
}
