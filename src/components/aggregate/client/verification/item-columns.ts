/** The items of documents in columns, as the component takes them from a check. */
import { encodeKey } from "../../../../values/index.js";
import type { FunctionArgs } from "convex/server";
import type { Value } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { WrittenItem } from "../operations.js";

export type ItemColumns = FunctionArgs<ComponentApi["verification"]["items"]>["columns"];

/** The measure that `sumValue` is to the component. */
const plainMeasure = "";

/** Gathers items one after the other. */
export class ColumnsBuilder {
  readonly #numbered = new Numbered();
  readonly #measures = new Map<string, (number | null)[]>();
  readonly #spaces: number[] = [];
  readonly #keys: Value[] = [];
  readonly #ids: string[] = [];

  get count(): number {
    return this.#ids.length;
  }

  /** How many namespaces the items have. */
  get namespaces(): number {
    return this.#numbered.all.length;
  }

  add({ key, id, namespace, sumValue, sumValues }: WrittenItem): void {
    this.#spaces.push(this.#numbered.numberOf(namespace));
    this.#keys.push(key);
    this.#ids.push(id);
    if (sumValue !== undefined) this.#put(plainMeasure, sumValue);
    for (const name in sumValues) {
      const value = sumValues[name];
      if (value !== undefined) this.#put(name, value);
    }
  }

  /** O(items). */
  columns(): ItemColumns {
    const { count } = this;
    const [spaces, keys, ids] = [this.#spaces, this.#keys, this.#ids];
    // A column is as long as the last item that has the measure.
    for (const column of this.#measures.values()) while (column.length < count) column.push(null);
    return {
      spaces,
      keys,
      ids,
      namespaces: this.#numbered.all.map((namespace) => (namespace === undefined ? {} : { namespace })),
      measures: [...this.#measures.keys()],
      values: [...this.#measures.values()],
    };
  }

  /** Gives the last item a number. */
  #put(name: string, value: number): void {
    let column = this.#measures.get(name);
    if (column === undefined) {
      column = [];
      this.#measures.set(name, column);
    }
    const index = this.#ids.length - 1;
    while (column.length < index) column.push(null);
    column[index] = value;
  }
}

/** Numbers namespaces as they come by. */
class Numbered {
  readonly all: (Value | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  #last: { namespace: Value | undefined; number: number } | null = null;

  numberOf(namespace: Value | undefined): number {
    // Most often it is a string, a number or nothing, and that of the item before.
    if (this.#last !== null && Object.is(this.#last.namespace, namespace)) return this.#last.number;
    const name = encodeKey([namespace]);
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.all.push(namespace) - 1;
      this.#numbers.set(name, number);
    }
    this.#last = { namespace, number };
    return number;
  }
}
