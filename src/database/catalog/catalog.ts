/**
 * What exists: components, their tables, the tables' indexes and the components' schemas, as one
 * immutable value. A transaction reads one catalog and, when it creates something, goes on with a new one;
 * `edits.ts` makes those, `records.ts` says how a catalog is stored.
 */
import type { CompiledTable, SchemaJson } from "../../schema/index.js";
import type { TransformDefinition, TransformFailure } from "../transforms/types.js";

/**
 * One index of a table. While it is `building` every write maintains it and a backfill adds what was there
 * before. A staged one is built but belongs to a schema that is not active: no query may use it.
 */
export interface IndexEntry {
  readonly id: number;
  readonly name: string;
  readonly fields: readonly string[];
  /** The fields split at their dots. */
  readonly paths: readonly (readonly string[])[];
  readonly state: "building" | "ready";
  readonly isStaged: boolean;
  /** Its entries are those of the documents in this shape: the table's, or one that a prepared transform makes. */
  readonly shape: number;
  readonly prefix: string;
}

/** A transform that documents may still need, or that is prepared. */
export interface TransformEntry extends TransformDefinition {
  /** The number of the shape that it makes. */
  readonly shape: number;
  readonly beganAtMs: number;
  /** What it could not carry over while it was prepared; its indexes are gone then. */
  readonly failure: TransformFailure | null;
}

/** Since when a schema awaits migrations, and which: those of one table in the order in which they run. */
export interface PendingSchema {
  readonly sinceMs: number;
  readonly migrations: readonly string[];
  /** The table of each migration. */
  readonly tables: readonly string[];
}

export interface TableEntry {
  /** Unique in the whole storage; table numbers are unique in their component only. */
  readonly id: number;
  readonly number: number;
  readonly name: string;
  readonly componentPath: string;
  readonly documentsPrefix: string;
  readonly idsPrefix: string;
  readonly countsKey: string;
  readonly indexes: readonly IndexEntry[];
  /** The shape in which documents are read and written; 0 until the table's first transform. */
  readonly shape: number;
  /** No stored document is of an older shape. */
  readonly settledShape: number;
  /** All transforms above `settledShape`, in the order of their shapes; those above `shape` are only prepared. */
  readonly transforms: readonly TransformEntry[];
  /** The check of documents that the component's schema asks for, if it does. */
  readonly check: CompiledTable | null;
}

export interface ComponentEntry {
  readonly number: number;
  readonly path: string;
  readonly schema: SchemaJson | null;
  /** Null while every stored document is known to fit the schema. */
  readonly pending: PendingSchema | null;
  readonly nextTableNumber: number;
  readonly nextSystemTableNumber: number;
  readonly tables: ReadonlyMap<string, TableEntry>;
  readonly tablesByNumber: ReadonlyMap<number, TableEntry>;
}

/** Counters and what tells one state of the catalog from all others. */
export interface CatalogHead {
  readonly format: 1;
  /** Rises with every change. */
  readonly generation: number;
  /** Another one after every change, whoever makes it, so heads of equal text mean equal catalogs. Old storages have none. */
  readonly token?: string;
  readonly nextComponent: number;
  readonly nextTable: number;
  readonly nextIndex: number;
  /** The name of the program that runs; left out before the first was put in place. */
  readonly program?: string;
  readonly followers?: Followers;
}

/** Aggregates of a program to come: every write is followed by them, too, whichever process makes it. */
export interface Followers {
  /** The name of the program to come. */
  readonly program: string;
  readonly aggregates: readonly Follower[];
  /** Why they are given up, from the first write on that they could not follow. */
  readonly failure?: FollowerFailure;
}

export interface Follower {
  readonly name: string;
  /** What it is an aggregate of. */
  readonly componentPath: string;
  readonly table: string;
  /** Whether it is told of documents as they will be once the table's prepared transforms are in force. */
  readonly isAhead: boolean;
}

export interface FollowerFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The code that whoever sees a catalog goes by. */
export interface CodeNames {
  readonly program: string | null;
  readonly followers: Followers | null;
  /** The origins of transforms that documents may need, those prepared included. */
  readonly transforms: ReadonlySet<string>;
}

export class Catalog {
  readonly head: CatalogHead;
  readonly components: ReadonlyMap<string, ComponentEntry>;
  #tablesById: Map<number, TableEntry> | undefined;
  #code: CodeNames | undefined;

  constructor(head: CatalogHead, components: ReadonlyMap<string, ComponentEntry>) {
    this.head = head;
    this.components = components;
  }

  table(componentPath: string, name: string): TableEntry | undefined {
    return this.components.get(componentPath)?.tables.get(name);
  }

  tableByNumber(componentPath: string, number: number): TableEntry | undefined {
    return this.components.get(componentPath)?.tablesByNumber.get(number);
  }

  /** By the id that is unique in the storage. */
  tableById(id: number): TableEntry | undefined {
    if (this.#tablesById === undefined) {
      this.#tablesById = new Map();
      for (const table of this.tables()) this.#tablesById.set(table.id, table);
    }
    return this.#tablesById.get(id);
  }

  /** O(tables) the first time. */
  get code(): CodeNames {
    if (this.#code === undefined) {
      const { program = null, followers = null } = this.head;
      const transforms = [...this.tables()].flatMap((table) => table.transforms.map(({ origin }) => origin));
      this.#code = { program, followers, transforms: new Set(transforms) };
    }
    return this.#code;
  }

  *tables(): Generator<TableEntry> {
    for (const component of this.components.values()) yield* component.tables.values();
  }

  *indexes(): Generator<{ table: TableEntry; index: IndexEntry }> {
    for (const table of this.tables()) {
      for (const index of table.indexes) yield { table, index };
    }
  }
}

export const emptyCatalog: Catalog = new Catalog(
  { format: 1, generation: 0, nextComponent: 1, nextTable: 1, nextIndex: 1 },
  new Map(),
);

/** True for tables of the system's own, which only `system()` reaches. */
export function isSystemTable(tableName: string): boolean {
  return tableName.startsWith("_");
}
