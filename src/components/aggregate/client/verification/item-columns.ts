/** The items of documents in columns, as the component takes them from a check. */
import { encodeKey } from "../../../../values/index.js";
import type { FunctionArgs } from "convex/server";
import type { Value } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { WrittenItem } from "../operations.js";

export type ItemColumns = FunctionArgs<ComponentApi["verification"]["items"]>["columns"];

/** The measure that `sumValue` is to the component. */
const PLAIN_MEASURE = "";

/** O(items). */
export function columnsOf(items: readonly WrittenItem[]): ItemColumns {
  const namespaces = new Numbered();
  const measures = new Map<string, (number | null)[]>();
  const columns = { spaces: [] as number[], keys: [] as Value[], ids: [] as string[] };
  items.forEach(({ key, id, namespace, sumValue, sumValues }, index) => {
    columns.spaces.push(namespaces.numberOf(namespace));
    columns.keys.push(key);
    columns.ids.push(id);
    if (sumValue !== undefined) setIn(measures, PLAIN_MEASURE, index, items.length, sumValue);
    for (const [name, value] of Object.entries(sumValues ?? {}))
      if (value !== undefined) setIn(measures, name, index, items.length, value);
  });
  return {
    ...columns,
    namespaces: namespaces.all.map((namespace) => (namespace === undefined ? {} : { namespace })),
    measures: [...measures.keys()],
    values: [...measures.values()],
  };
}

function setIn(
  measures: Map<string, (number | null)[]>,
  name: string,
  index: number,
  length: number,
  value: number,
): void {
  let column = measures.get(name);
  if (column === undefined) {
    column = Array<number | null>(length).fill(null);
    measures.set(name, column);
  }
  column[index] = value;
}

/** Numbers namespaces as they come by. */
class Numbered {
  readonly all: (Value | undefined)[] = [];
  private readonly numbers = new Map<string, number>();
  private last: { namespace: Value | undefined; number: number } | null = null;

  numberOf(namespace: Value | undefined): number {
    // Most often it is a string, a number or nothing, and that of the item before.
    if (this.last !== null && Object.is(this.last.namespace, namespace)) return this.last.number;
    const name = encodeKey([namespace]);
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.all.push(namespace) - 1;
      this.numbers.set(name, number);
    }
    this.last = { namespace, number };
    return number;
  }
}
