/** A batch as the parameters of `commit`: flat lists, with the places of the requests that their elements belong to. */
import type { PendingRequest } from "../pending/index.js";
import { bigintArray, byteaArray, intArray } from "./binary.js";
import type { Parameter } from "./connections.js";
import { packRequest } from "./log-body.js";
import { format } from "./schema/format.js";
import { quoteName } from "./schema/tables.js";
import { endOfRange } from "./stored-key.js";

const parameterCount = 24;

export function commitSql(schema: string): string {
  const places = Array.from({ length: parameterCount }, (_, index) => `$${index + 1}`);
  return `SELECT * FROM ${quoteName(schema)}.commit_${format}(${places.join(", ")})`;
}

/** The parameters after those that say which batch it is, what is known, and how durable it is to be. */
export function commitParameters(requests: readonly PendingRequest[]): Parameter[] {
  const reads = new Flat();
  const ranges = new Flat();
  const writes = new Flat();
  const adds = new Flat();
  const touched = new Flat();
  const [dependants, dependencies]: [number[], number[]] = [[], []];
  const stamps: [writes: number[], parts: number[], offsets: number[]] = [[], [], []];
  const [addPlaces, addBy]: [number[], number[]] = [[], []];
  const places = new Map(requests.map((request, place) => [request, place]));
  requests.forEach(({ request, dependsOn, touched: { keys } }, place) => {
    for (const key of request.reads?.keys ?? []) reads.add(place, key);
    for (const { start, end } of request.reads?.ranges ?? []) {
      ranges.addBytes(place, latin1(start), endBytes(end));
    }
    for (const dependency of dependsOn) {
      const before = places.get(dependency);
      if (before === undefined) continue;
      dependants.push(place);
      dependencies.push(before);
    }
    for (const { write, part, offset } of request.stamps ?? []) {
      const value = request.writes[write]?.[1] ?? "";
      stamps[0].push(writes.length + write);
      stamps[1].push(part === "key" ? 0 : 1);
      stamps[2].push(part === "key" ? offset : Buffer.byteLength(value.slice(0, offset)));
    }
    for (const [key, value] of request.writes) {
      writes.addBytes(place, latin1(key), value === undefined ? null : Buffer.from(value));
    }
    for (const [key, by] of request.adds ?? []) {
      by.forEach((number, index) => {
        adds.add(place, key);
        addPlaces.push(index);
        addBy.push(number);
      });
    }
    for (const key of keys) touched.add(place, key);
  });
  return [
    ...[reads.first, reads.places, ranges.first, ranges.second, ranges.places],
    ...[intArray(dependants), intArray(dependencies)],
    ...[writes.first, writes.second, writes.places],
    ...stamps.map(intArray),
    ...[adds.first, intArray(addPlaces), bigintArray(addBy), adds.places],
    ...[touched.first, touched.places],
    byteaArray(requests.map(({ request, touched: said }) => packRequest(request, said))),
  ];
}

/** One or two lists of bytes, and for each element the place of its request. */
class Flat {
  readonly #first: Buffer[] = [];
  readonly #second: (Buffer | null)[] = [];
  readonly #places: number[] = [];

  add(place: number, first: string): void {
    this.addBytes(place, latin1(first), null);
  }

  addBytes(place: number, first: Buffer, second: Buffer | null): void {
    this.#first.push(first);
    this.#second.push(second);
    this.#places.push(place);
  }

  get length(): number {
    return this.#first.length;
  }

  get first(): Buffer {
    return byteaArray(this.#first);
  }

  get second(): Buffer {
    return byteaArray(this.#second);
  }

  get places(): Buffer {
    return intArray(this.#places);
  }
}

/** Bounds that are above all keys have chars that no key has. */
function endBytes(end: string): Buffer {
  const isAboveAll = /[^\u0000-\u00ff]/.test(end);
  return isAboveAll ? endOfRange(undefined) : latin1(end);
}

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
