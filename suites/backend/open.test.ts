import {
  componentsGeneric,
  defineSchema,
  defineTable,
  makeFunctionReference,
  mutationGeneric as mutation,
} from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { memory, type Backend } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import aggregate from "trueup/aggregate/test";
import type { OpenStorage, Storage, StorageReader } from "../../src/storage/storage.js";
import { call, openApp } from "../setup/open-app.js";

const inAYearMs = 365 * 24 * 60 * 60 * 1000;

const scores = {
  board: new TableAggregate(componentsGeneric()["board"] as never, {
    table: "scores",
    sortKey: (score) => Number(score["value"]),
  }),
  add: mutation({
    handler: async (ctx, { count }: { count: number }) => {
      for (let value = 0; value < count; value++) {
        await ctx.db.insert("scores", { value });
        await ctx.scheduler.runAfter(inAYearMs, makeFunctionReference<"mutation">("scores:add"), {
          count: 1,
        });
      }
    },
  }),
};

const schema = defineSchema({ scores: defineTable({ value: v.number() }).index("by_value", ["value"]) });

/** What is opened again and again, and how many entries were read of it. */
async function countedStorage(): Promise<{ open: OpenStorage; read: () => number }> {
  const storage = await memory()();
  let entries = 0;
  const counting = <Reader extends StorageReader>(reader: Reader): Reader => {
    const [get, getMany, scan] = [
      reader.get.bind(reader),
      reader.getMany.bind(reader),
      reader.scan.bind(reader),
    ];
    reader.get = (key) => {
      entries++;
      return get(key);
    };
    reader.getMany = (keys) => {
      entries += keys.length;
      return getMany(keys);
    };
    reader.scan = async (...args) => {
      const found = await scan(...args);
      entries += found.length;
      return found;
    };
    return reader;
  };
  const open: OpenStorage = async () =>
    ({
      capabilities: storage.capabilities,
      get version() {
        return storage.version;
      },
      latest: () => storage.latest(),
      reached: (version) => storage.reached(version),
      snapshot: async () => counting(await storage.snapshot()),
      begin: async () => counting(await storage.begin()),
      onCommit: (listener) => storage.onCommit(listener),
      close: async () => {},
    }) satisfies Storage;
  return { open, read: () => entries };
}

/** How many entries are read until a backend with so many documents, items of an aggregate and jobs is open and idle. */
async function readToOpen(count: number): Promise<number> {
  const { open, read } = await countedStorage();
  const openIt = (): Promise<Backend> =>
    openApp(open, { schema, modules: { scores }, components: { board: aggregate }, limits: "none" });
  const first = await openIt();
  await call(first, "scores:add", { count });
  await first.close();
  const before = read();
  const again = await openIt();
  await again.scheduler.idle();
  await again.aggregates.settled();
  return read() - before;
}

test("a backend opens without reading what grows with the data: documents, items of aggregates, jobs to come", async () => {
  const read = await readToOpen(200);
  expect(read).toBeGreaterThan(10);
  // A few more for a tree that is deeper.
  expect(await readToOpen(2000)).toBeLessThan(read + 100);
});
