/**
 * Makes the data ready for the schemas of a push, while the old code goes on: every document is checked, then
 * the new indexes are built. The last step, putting the schemas in place, looks again at the documents that
 * were written in the meantime, inside of its transaction.
 */
import type { Database, MutationTransaction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import { indexChanges } from "../changes/index-diff.js";
import type { Schemas } from "../code/program-code.js";
import { checkSome, checkTable, tablesToCheck, type TableToCheck } from "./check-documents.js";
import { DocumentProblems } from "./document-problems.js";
import { TouchedDocuments } from "./touched-documents.js";

interface ComponentStatus {
  readonly schemaValidationComplete: boolean;
  readonly indexesComplete: number;
  readonly indexesTotal: number;
}

/** As the CLI asks for it, again and again. */
export type SchemaStatus =
  | { readonly type: "complete" }
  | { readonly type: "inProgress"; readonly components: Readonly<Record<string, ComponentStatus>> }
  | {
      readonly type: "failed";
      readonly error: string;
      readonly componentPath: string;
      readonly tableName: string | null;
    };

export class SchemaPreparation {
  readonly #database: Database;
  readonly #before: Schemas;
  readonly #after: Schemas;
  readonly #tables: readonly TableToCheck[];
  readonly #touched: TouchedDocuments;
  readonly #unchecked = new Set<TableToCheck>();
  readonly #ended: Promise<SchemaStatus>;
  #isBuilding = false;

  /** Begins at once. @param buildsIndexes False for a dry run, which changes nothing. */
  constructor(database: Database, before: Schemas, after: Schemas, buildsIndexes: boolean) {
    this.#database = database;
    this.#before = before;
    this.#after = after;
    this.#tables = tablesToCheck(before, after);
    for (const table of this.#tables) this.#unchecked.add(table);
    this.#touched = new TouchedDocuments(database, this.#tables);
    this.#ended = this.#run(buildsIndexes);
    this.#ended.catch(() => {});
  }

  /** How far it is; waits for the end, but no longer than the time given. Rejects when the storage fails. */
  async wait(timeoutMs: number): Promise<SchemaStatus> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), timeoutMs);
    });
    try {
      return (await Promise.race([this.#ended, late])) ?? (await this.#progress());
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the schemas can be put in place. @throws SCHEMA_NOT_SATISFIED */
  async ready(): Promise<void> {
    const status = await this.#ended;
    if (status.type === "failed") throw notSatisfied(status.error);
  }

  /** Checks what was written since; part of the transaction that puts the schemas in place. @throws SCHEMA_NOT_SATISFIED */
  async checkAgain(tx: MutationTransaction): Promise<void> {
    const problems = new DocumentProblems();
    for (const table of this.#tables) {
      await checkSome(tx.component(table.componentPath), table, this.#touched.of(table), problems);
    }
    if (problems.documents > 0) throw notSatisfied(problems.describe());
  }

  /** Stops keeping track of what is written. Idempotent. */
  close(): void {
    this.#touched.stop();
  }

  async #run(buildsIndexes: boolean): Promise<SchemaStatus> {
    const problems = new DocumentProblems();
    for (const table of this.#tables) {
      await checkTable(this.#database, table, problems);
      this.#unchecked.delete(table);
    }
    const [first] = problems.groups;
    if (first !== undefined) {
      const { componentPath, tableName } = first;
      return { type: "failed", error: problems.describe(), componentPath, tableName };
    }
    if (buildsIndexes) await this.#buildIndexes();
    return { type: "complete" };
  }

  async #buildIndexes(): Promise<void> {
    if (this.#newIndexes().every(([, names]) => names.length === 0)) return;
    await this.#database.mutate(
      async (tx) => {
        for (const [path, schema] of this.#after) if (schema !== null) await tx.prepareIndexes(path, schema);
      },
      { limits: null },
    );
    this.#isBuilding = true;
    await this.#database.background.idle();
  }

  async #progress(): Promise<SchemaStatus> {
    const unchecked = new Set([...this.#unchecked].map(({ componentPath }) => componentPath));
    const { value: builds } = await this.#database.query((tx) => tx.indexBuilds(), { limits: null });
    const components = this.#newIndexes().map(([path, names]): [string, ComponentStatus] => {
      const building = builds.filter(
        ({ componentPath, tableName, indexName }) =>
          componentPath === path && names.includes(`${tableName}.${indexName}`),
      );
      const isBegun = this.#isBuilding || names.length === 0;
      return [
        path,
        {
          schemaValidationComplete: !unchecked.has(path),
          indexesComplete: isBegun ? names.length - building.length : 0,
          indexesTotal: names.length,
        },
      ];
    });
    return { type: "inProgress", components: Object.fromEntries(components) };
  }

  /** The indexes to build, by component. */
  #newIndexes(): [path: string, names: string[]][] {
    return [...this.#after].map(([path, schema]) => {
      const changes = indexChanges(this.#before.get(path) ?? null, schema);
      const added = changes.filter(({ change, index }) => change === "added" && index.type === "database");
      return [path, added.map(({ index }) => index.name)];
    });
  }
}

function notSatisfied(description: string): TrueupError {
  return new TrueupError("SCHEMA_NOT_SATISFIED", `Schema validation failed. ${description}`);
}
