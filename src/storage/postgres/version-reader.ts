/**
 * Reads as of a version, from what is true now and what was true until lately. Keys that are asked for in one turn of the
 * event loop share a trip, and long ranges are read in pages, which a version makes parts of one answer.
 */
import { assertLimit, type Entry, type KeyRange, type ScanOptions, type Version } from "../storage.js";
import type { BaseReader } from "../pending/index.js";
import { byteaArray } from "./binary.js";
import type { Connections } from "./connections.js";
import { format } from "./schema/format.js";
import { quoteName } from "./schema/tables.js";
import { endOfRange, startOfRange, storedKey, wholeKey } from "./stored-key.js";

/** Entries that are read at once. */
const pageSize = 5_000;
/** Keys that are read at once. */
const keysAtOnce = 5_000;

interface Asked {
  readonly keys: Map<string, number>;
  readonly answer: Promise<readonly (string | undefined)[]>;
}

export class VersionReader {
  readonly #connections: Pick<Connections, "run">;
  readonly #readSql: string;
  readonly #scanSql: string;
  /** What has been asked for in this turn of the event loop, by version. */
  readonly #asked = new Map<Version, Asked>();

  constructor(connections: Pick<Connections, "run">, schema: string) {
    this.#connections = connections;
    const name = quoteName(schema);
    this.#readSql = `SELECT * FROM ${name}.read_${format}($1, $2, $3)`;
    this.#scanSql = `SELECT * FROM ${name}.scan_${format}($1, $2, $3, $4, $5)`;
  }

  /** Reads as of this version. */
  at(version: Version): BaseReader {
    return {
      getMany: (keys) => this.getMany(version, keys),
      scan: (range, options) => this.scan(version, range, options),
    };
  }

  /** @throws SNAPSHOT_TOO_OLD, STORAGE_UNAVAILABLE */
  async getMany(version: Version, keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    let asked = this.#asked.get(version);
    if (asked === undefined || asked.keys.size >= keysAtOnce) {
      asked = this.#ask(version);
      this.#asked.set(version, asked);
    }
    const places: number[] = [];
    for (const key of keys) {
      let place = asked.keys.get(key);
      if (place === undefined) {
        place = asked.keys.size;
        asked.keys.set(key, place);
      }
      places.push(place);
    }
    const values = await asked.answer;
    return places.map((place) => values[place]);
  }

  /** @throws SNAPSHOT_TOO_OLD, STORAGE_UNAVAILABLE */
  async scan(version: Version, range: KeyRange, options: ScanOptions = {}): Promise<Entry[]> {
    const { reverse = false, limit = Infinity } = options;
    assertLimit(options.limit);
    const entries: Entry[] = [];
    let start = startOfRange(range.start);
    let end = endOfRange(range.end);
    while (entries.length < limit && start.compare(end) < 0) {
      const wanted = Math.min(limit - entries.length, pageSize);
      const rows = await this.#connections.run(
        this.#scanSql,
        [String(version), start, end, String(wanted), String(reverse)],
        8_000,
      );
      const page = rows.map(([key, rest, value]): Entry => [
        wholeKey(hex(key), rest === null ? null : hex(rest)),
        hex(value).toString(),
      ]);
      if (rows.some(([, rest]) => rest !== null)) sort(page, reverse);
      for (const entry of page) if (isWithin(range, entry[0])) entries.push(entry);
      if (rows.length < wanted) break;
      const last = hex(rows.at(-1)?.[0]);
      if (reverse) end = last;
      else start = Buffer.concat([last, Buffer.alloc(1)]);
    }
    return entries.length > limit ? entries.slice(0, limit) : entries;
  }

  #ask(version: Version): Asked {
    const keys = new Map<string, number>();
    const answer = new Promise<readonly (string | undefined)[]>((resolve, reject) => {
      setImmediate(() => {
        this.#asked.delete(version);
        this.#read(version, [...keys.keys()]).then(resolve, reject);
      });
    });
    return { keys, answer };
  }

  async #read(version: Version, keys: readonly string[]): Promise<(string | undefined)[]> {
    const stored = keys.map(storedKey);
    const rows = await this.#connections.run(
      this.#readSql,
      [String(version), byteaArray(stored.map(({ key }) => key)), byteaArray(stored.map(({ more }) => more))],
      8_000,
    );
    const values: (string | undefined)[] = [];
    for (const [place, value] of rows) values[Number(place) - 1] = hex(value).toString();
    return values;
  }
}

function hex(text: string | null | undefined): Buffer {
  return Buffer.from(text ?? "", "hex");
}

function isWithin({ start, end }: KeyRange, key: string): boolean {
  return key >= start && (end === undefined || key < end);
}

/** Keys that begin alike for 2,500 bytes come in no order. */
function sort(entries: Entry[], reverse: boolean): void {
  const sign = reverse ? -1 : 1;
  entries.sort(([one], [other]) => (one < other ? -sign : one > other ? sign : 0));
}
