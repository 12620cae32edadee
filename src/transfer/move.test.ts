import fc from "fast-check";
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { allByteKeys, put, readAll } from "../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../suites/setup/temporary-folder.js";
import type { DataFill, DataPlace, HeldData } from "../storage/place.js";
import { sqlite, sqlitePlace } from "../storage/sqlite/index.js";
import type { Entry } from "../storage/storage.js";
import { moveData, undoMove } from "./index.js";

const inFolder = temporaryFolder();
let files = 0;
const newFile = (): string => inFolder(`${files++}.sqlite`);

async function fileWith(entries: readonly Entry[]): Promise<string> {
  const file = newFile();
  const storage = await sqlite(file)();
  if (entries.length > 0) await put(storage, entries);
  await storage.close();
  return file;
}

async function contentOf(file: string): Promise<{ version: number; entries: Entry[] }> {
  const storage = await sqlite(file)();
  const content = { version: storage.version, entries: await readAll(storage) };
  await storage.close();
  return content;
}

const everyByte = allByteKeys().map((key): Entry => [key, `value \u0000 of ${key} 🦩`]);

test("what arrives is what was there, with its version; the place that it left says where it is", async () => {
  const from = await fileWith([...everyByte, ["long", "x".repeat(300_000)]]);
  const before = await contentOf(from);
  const to = newFile();
  const report = await moveData(sqlitePlace(from), sqlitePlace(to));
  expect(report).toMatchObject({ from, to, version: before.version, entries: before.entries.length });
  expect(report.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(await contentOf(to)).toEqual(before);
  await expect(sqlite(from)()).rejects.toMatchObject({ code: "STORAGE_MOVED", details: { to } });
  await expect(moveData(sqlitePlace(from), sqlitePlace(newFile()))).rejects.toMatchObject({
    code: "STORAGE_MOVED",
  });
});

test("data without an entry moves too, and there and back is where it was", async () => {
  const from = await fileWith([]);
  const [there, back] = [newFile(), newFile()];
  await moveData(sqlitePlace(from), sqlitePlace(there));
  await moveData(sqlitePlace(there), sqlitePlace(back));
  expect(await contentOf(back)).toEqual({ version: 0, entries: [] });
});

test("nothing that is there is overwritten, and what cannot be moved stays as it was", async () => {
  const [from, taken] = [await fileWith([["a", "1"]]), await fileWith([["b", "2"]])];
  await expect(moveData(sqlitePlace(from), sqlitePlace(taken))).rejects.toMatchObject({
    code: "STORAGE_NOT_EMPTY",
  });
  await expect(moveData(sqlitePlace(newFile()), sqlitePlace(newFile()))).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
  });
  const open = await sqlite(from)();
  await expect(moveData(sqlitePlace(from), sqlitePlace(newFile()))).rejects.toMatchObject({
    code: "STORAGE_LOCKED",
  });
  await open.close();
  expect((await contentOf(from)).entries).toEqual([["a", "1"]]);
  expect((await contentOf(taken)).entries).toEqual([["b", "2"]]);
});

test("a move that nothing was written after is taken back, and not one that something was", async () => {
  const from = await fileWith([["a", "1"]]);
  const to = newFile();
  await moveData(sqlitePlace(from), sqlitePlace(to));
  await expect(undoMove(sqlitePlace(from), sqlitePlace(newFile()))).rejects.toMatchObject({
    code: "STORAGE_MOVED",
  });
  await undoMove(sqlitePlace(from), sqlitePlace(to));
  expect(existsSync(to)).toBe(false);
  expect((await contentOf(from)).entries).toEqual([["a", "1"]]);
  await moveData(sqlitePlace(from), sqlitePlace(to));
  const there = await sqlite(to)();
  await put(there, [["a", "2"]]);
  await there.close();
  await expect(undoMove(sqlitePlace(from), sqlitePlace(to))).rejects.toMatchObject({
    code: "STORAGE_NOT_EMPTY",
  });
  expect((await contentOf(to)).entries).toEqual([["a", "2"]]);
});

test("what is read back and differs moves nothing", async () => {
  const from = await fileWith([["a", "1"]]);
  const to = newFile();
  const place = sqlitePlace(to);
  const forgetful: DataPlace = {
    ...place,
    async fill(version) {
      const fill = await place.fill(version);
      return {
        add: async () => {},
        entries: () => fill.entries(),
        finish: () => fill.finish(),
        abandon: () => fill.abandon(),
      };
    },
  };
  await expect(moveData(sqlitePlace(from), forgetful)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  expect((await contentOf(from)).entries).toEqual([["a", "1"]]);
  expect(readdirSync(inFolder(".")).filter((name) => name.includes("-moving"))).toEqual([]);
  expect(existsSync(to)).toBe(false);
});

/** A place in memory that forgets its holder when he dies, as a file does whose process is killed. */
class RememberedPlace implements DataPlace {
  readonly name: string;
  data: { version: number; entries: readonly Entry[]; movedTo: string | null } | null = null;

  constructor(name: string) {
    this.name = name;
  }

  get isOpen(): boolean {
    return this.data !== null && this.data.movedTo === null;
  }

  async hold(): Promise<HeldData | null> {
    const { data } = this;
    if (data === null) return null;
    return {
      version: data.version,
      movedTo: data.movedTo,
      entries: async function* () {
        yield data.entries;
      },
      markMoved: async (to) => {
        data.movedTo = to;
      },
      remove: async () => {
        this.data = null;
      },
      letGo: async () => {},
    };
  }

  async fill(version: number): Promise<DataFill> {
    if (this.data !== null) throw new Error("not empty");
    const entries: Entry[] = [];
    return {
      add: async (more) => {
        entries.push(...more);
      },
      entries: async function* () {
        yield entries;
      },
      finish: async () => {
        this.data = { version, entries, movedTo: null };
      },
      abandon: async () => {},
    };
  }
}

class Died extends Error {}

/** Calls everything on the place, but dies instead of, or right after, the call with this number. */
function dying(place: DataPlace, dies: () => "before" | "after" | null): DataPlace {
  const mortal = <T extends object>(inner: T): T =>
    new Proxy(inner, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        // Reading changes nothing, so to die in it is to die before the next call.
        if (typeof value !== "function" || property === "entries") return value;
        return async (...args: unknown[]) => {
          const when = dies();
          if (when === "before") throw new Died();
          const result: unknown = await Reflect.apply(value, target, args);
          if (when === "after") throw new Died();
          return typeof result === "object" && result !== null ? mortal(result) : result;
        };
      },
    });
  return mortal({
    name: place.name,
    hold: () => place.hold(),
    fill: (version: number) => place.fill(version),
  });
}

test("whoever dies in the middle leaves one place at most that can be opened, and the move or its undoing goes on", async () => {
  const diesAt = fc.record({
    call: fc.nat(16),
    when: fc.constantFrom("before" as const, "after" as const),
    goesOn: fc.constantFrom("move", "undo"),
  });
  await fc.assert(
    fc.asyncProperty(diesAt, async ({ call, when, goesOn }) => {
      const [from, to] = [new RememberedPlace("from"), new RememberedPlace("to")];
      const data = { version: 7, entries: [["a", "1"]] satisfies Entry[] };
      from.data = { ...data, movedTo: null };
      let calls = 0;
      let isDead = false;
      const dies = (): "before" | "after" | null => {
        if (isDead) return "before";
        isDead = calls++ === call;
        return isDead ? when : null;
      };
      await moveData(dying(from, dies), dying(to, dies)).catch(() => {});
      expect(from.isOpen && to.isOpen).toBe(false);
      const lives = goesOn === "move" ? to : from;
      if (goesOn === "move") {
        if (from.isOpen || from.data?.movedTo === "to") await moveData(from, to);
      } else await undoMove(from, to);
      expect(lives.data).toEqual({ ...data, movedTo: null });
      expect((lives === to ? from : to).isOpen).toBe(false);
    }),
  );
});
