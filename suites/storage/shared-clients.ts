/**
 * Clients of several openings of one storage, and what they note of it for `shared-histories.ts`: they append to lists, add to,
 * remove from and scan a set, move money, go by predicates that write skew would break, add to counters, and give up half-way.
 */
import { isTrueupError } from "../../src/errors/index.js";
import type { Add, Entry, Storage, StorageReader, Version, Write } from "../../src/storage/storage.js";
import type { Attempt, Finding, Looked, SharedHistory } from "./shared-histories.js";
import { begin } from "./storage-calls.js";

/** Reads, and notes what it found. */
class NotingReader {
  readonly findings: Finding[] = [];
  readonly #reader: StorageReader;

  constructor(reader: StorageReader) {
    this.#reader = reader;
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#reader.get(key);
    this.findings.push({ key, value: value ?? null });
    return value;
  }

  async scan(start: string, end: string): Promise<Entry[]> {
    const entries = await this.#reader.scan({ start, end });
    this.findings.push({ start, end, entries });
    return entries;
  }
}

interface Change {
  readonly writes: readonly Write[];
  readonly adds?: readonly Add[];
}

type Chance = () => number;

const pick = (random: Chance, below: number): number => Math.floor(random() * below);
const two = (n: number): string => String(n).padStart(2, "0");

type Work = (reader: NotingReader, id: string, random: Chance) => Promise<Change>;

const work: readonly Work[] = [
  async function append(reader, id, random) {
    const key = `list/${pick(random, 4)}`;
    const before = await reader.get(key);
    return { writes: [[key, before === undefined ? id : `${before},${id}`]] };
  },
  async function changeSet(reader, id, random) {
    const key = `set/${two(pick(random, 30))}`;
    const isThere = (await reader.get(key)) !== undefined;
    return { writes: [[key, isThere ? undefined : id]] };
  },
  async function keepSetSmall(reader, id, random) {
    const start = pick(random, 20);
    const members = await reader.scan(`set/${two(start)}`, `set/${two(start + 10)}`);
    if (members.length < 4) return { writes: [[`set/${two(start + pick(random, 10))}`, id]] };
    return { writes: members.slice(0, 2).map(([key]): Write => [key, undefined]) };
  },
  async function move(reader, _, random) {
    const [from, to] = [`bank/${pick(random, 5)}`, `bank/${5 + pick(random, 5)}`];
    const [giver, taker] = [await reader.get(from), await reader.get(to)];
    return {
      writes: [
        [from, String(Number(giver ?? 100) - 1)],
        [to, String(Number(taker ?? 100) + 1)],
      ],
    };
  },
  async function keepOneOfTwo(reader, _, random) {
    const pair = `pair/${pick(random, 3)}/`;
    const sides = await Promise.all([reader.get(`${pair}0`), reader.get(`${pair}1`)]);
    const side = pick(random, 2);
    return { writes: [[`${pair}${side}`, sides.includes("on") ? "off" : "on"]] };
  },
  async function sumBank(reader) {
    const accounts = await reader.scan("bank/", "bank0");
    return { writes: [["sum", String(accounts.reduce((sum, [, value]) => sum + Number(value), 0))]] };
  },
  async function add(_, id, random) {
    const by = [1, pick(random, 9)];
    return { writes: [[`blind/${pick(random, 9)}`, id]], adds: [[`count/${pick(random, 3)}`, by]] };
  },
  async function readCount(reader, _, random) {
    const value = await reader.get(`count/${pick(random, 3)}`);
    return { writes: [[`counted/${pick(random, 3)}`, value]] };
  },
];

const marks = "~mark/";

export class SharedClients {
  readonly #openings: readonly Storage[];
  readonly #random: Chance;
  readonly #attempts: Attempt[] = [];
  readonly #queries: Looked[] = [];

  constructor(openings: readonly Storage[], random: Chance) {
    this.#openings = openings;
    this.#random = random;
  }

  /** Each client is one of an opening, and does one thing after another. */
  async run(clients: number, stepsEach: number): Promise<void> {
    const running = Array.from({ length: clients }, async (_, client) => {
      const storage = this.#openings[client % this.#openings.length];
      if (storage === undefined) throw new Error("Nothing is open.");
      let after: Version = 0;
      for (let step = 0; step < stepsEach; step++) {
        if (this.#random() < 0.2) after = await this.#query(storage, after);
        else after = await this.#mutate(storage, `${client}.${step}`, after);
      }
    });
    await Promise.all(running);
  }

  /** What was done, with what is there now. */
  async history(): Promise<SharedHistory> {
    const [storage] = this.#openings;
    if (storage === undefined) throw new Error("Nothing is open.");
    await storage.reached(await storage.latest());
    const snapshot = await storage.snapshot();
    const entries = await snapshot.scan({ start: "", end: marks });
    const marked = await snapshot.scan({ start: marks });
    snapshot.release();
    return {
      attempts: this.#attempts,
      queries: this.#queries,
      marks: marked.map(([key, value]) => [
        key.slice(marks.length),
        String(Buffer.from(value, "base64").readBigUInt64LE()),
      ]),
      entries,
    };
  }

  async #query(storage: Storage, after: Version): Promise<Version> {
    const snapshot = await storage.snapshot();
    const reader = new NotingReader(snapshot);
    try {
      await reader.scan("bank/", "bank0");
      await reader.scan("list/", "set/20");
      await reader.get("count/1");
    } finally {
      snapshot.release();
    }
    this.#queries.push({ version: snapshot.version, after, findings: reader.findings });
    return Math.max(after, snapshot.version);
  }

  /** Tries until it is committed, or nobody knows whether it was. */
  async #mutate(storage: Storage, name: string, after: Version): Promise<Version> {
    const run = work[pick(this.#random, work.length)];
    for (let attempt = 0; ; attempt++) {
      const id = `${name}.${attempt}`;
      const transaction = await begin(storage);
      const reader = new NotingReader(transaction);
      const change = (await run?.(reader, id, this.#random)) ?? { writes: [] };
      const note = (outcome: Attempt["outcome"], version: Version = 0): void => {
        const writes = change.writes.map(([key, value]) => [key, value ?? null] as const);
        const { findings } = reader;
        this.#attempts.push({ id, outcome, version, after, findings, writes, adds: change.adds ?? [] });
      };
      if (this.#random() < 0.05) {
        transaction.rollback();
        note("refused");
        return after;
      }
      const mark: Write = [marks + id, "            "];
      const stamps = [{ write: change.writes.length, part: "value" as const, offset: 0 }];
      try {
        const version = await transaction.commit({ ...change, writes: [...change.writes, mark], stamps });
        note("committed", version);
        return version;
      } catch (error) {
        if (!isTrueupError(error)) throw error;
        note(error.code === "STORAGE_CONFLICT" ? "refused" : "unknown");
        if (error.code !== "STORAGE_CONFLICT") return after;
      }
    }
  }
}
