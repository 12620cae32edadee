/**
 * Items of documents as they cross from the app to the component: the app sends columns, and the component reads items from them.
 */
import { encodeKey } from "../../../../values/index.js";
import { Position, withoutTrailingNulls, type Item } from "../../tree/index.js";
import { v, type Infer } from "convex/values";
import { namespace, value, type ItemValues } from "../interface/operation.js";
import { numberOrNull } from "../interface/question.js";
import { plainMeasure, type Forest, type StoredTree } from "../forest/forest.js";

/** Items of documents in columns, which are quicker to pass than lists of objects. */
export type ItemColumns = Infer<typeof itemColumns>;
export const itemColumns = v.object({
  /** The namespaces that there are. */
  namespaces: v.array(v.object({ namespace })),
  /** By item: the index of its namespace. */
  spaces: v.array(v.number()),
  keys: v.array(value),
  ids: v.array(v.string()),
  /** The names of the items' numbers; "" is the plain `sumValue`. */
  measures: v.array(v.string()),
  /** By measure, then by item; null where the item lacks it. */
  values: v.array(v.array(numberOrNull)),
});

/** A namespace of the items, and its tree if there is one. */
export interface Space {
  /** The encoded namespace. */
  readonly name: string;
  readonly tree: StoredTree | null;
  /** For each measure of the tree, the column that holds it, or -1; then the columns that the tree has no measure for. */
  readonly order: readonly number[];
}

export class ColumnReader {
  readonly spaces: readonly Space[];
  readonly #columns: ItemColumns;

  /** The forest must have loaded the namespaces. */
  constructor(columns: ItemColumns, forest: Forest) {
    this.#columns = columns;
    this.spaces = columns.namespaces.map(({ namespace }) => {
      const tree = forest.find(namespace);
      return { name: encodeKey([namespace]), tree, order: columnOrder(columns.measures, tree) };
    });
  }

  spaceAt(index: number): Space {
    return this.spaces[this.#columns.spaces[index] as number] as Space;
  }

  /** An item, with its values in the order of its tree's measures. */
  at(index: number): Item {
    const { keys, ids, values } = this.#columns;
    const ordered = this.spaceAt(index).order.map((column) => values[column]?.[index] ?? null);
    return {
      position: new Position(keys[index] ?? null, ids[index] as string),
      values: withoutTrailingNulls(ordered),
    };
  }

  /** An item's values by name. */
  valuesAt(index: number): ItemValues {
    const { measures, values } = this.#columns;
    const ofItem = values.map((column) => column[index] ?? null);
    return namedValues(measures, ofItem);
  }
}

/** Values with their names, in the form that they have in operations and differences. */
export function namedValues(names: readonly string[], values: readonly (number | null)[]): ItemValues {
  const result: ItemValues = {};
  for (const [index, name] of names.entries()) {
    const value = values[index] ?? null;
    if (value === null) continue;
    if (name === plainMeasure) result.sumValue = value;
    else (result.sumValues ??= {})[name] = value;
  }
  return result;
}

function columnOrder(measures: readonly string[], tree: StoredTree | null): number[] {
  const known = tree?.state.measures ?? [];
  const others = measures
    .map((_, column) => column)
    .filter((column) => !known.includes(measures[column] ?? ""));
  return [...known.map((name) => measures.indexOf(name)), ...others];
}
