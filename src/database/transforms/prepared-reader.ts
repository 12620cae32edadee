/**
 * Reads a component as it will be once its prepared transforms are in force: documents carried over, and their indexes.
 * It is for what must be ready by then, such as aggregates. App code never reads through it.
 */
import { Catalog, type ComponentEntry, type TableEntry } from "../catalog/catalog.js";
import { Reader } from "../transaction/reader.js";
import type { TransactionState } from "../transaction/transaction.js";
import { preparedShape } from "./prepared-transforms.js";

export class PreparedReader extends Reader {
  #seen: Catalog | undefined;
  #ahead: Catalog | undefined;

  constructor(state: TransactionState, path: string) {
    super(state, path, false);
  }

  protected override get catalog(): Catalog {
    const { catalog } = this.state;
    if (this.#ahead === undefined || this.#seen !== catalog) {
      this.#seen = catalog;
      this.#ahead = ahead(catalog, this.path);
    }
    return this.#ahead;
  }

  /** The schema of that time is not known here. */
  protected override assertInSchema(): void {}
}

function ahead(catalog: Catalog, path: string): Catalog {
  const component = catalog.components.get(path);
  if (component === undefined) return catalog;
  const tables = [...component.tables.values()].map(withPrepared);
  const next: ComponentEntry = {
    ...component,
    tables: new Map(tables.map((table) => [table.name, table])),
    tablesByNumber: new Map(tables.map((table) => [table.number, table])),
  };
  return new Catalog(catalog.head, new Map(catalog.components).set(path, next));
}

function withPrepared(table: TableEntry): TableEntry {
  const shape = preparedShape(table);
  if (shape === table.shape) return table;
  const indexes = table.indexes.filter((index) => index.shape === shape);
  return { ...table, shape, indexes: indexes.map((index) => ({ ...index, isStaged: false })) };
}
