/**
 * Batches compute while the disk writes: the next one begins when transactions see the one before, not only when that is durable.
 * Whoever asked for something hears of it no earlier than before, and a crash leaves a job that goes on from what was durable.
 */
import { setImmediate } from "node:timers/promises";
import {
  componentsGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  type GenericMutationCtx,
} from "convex/server";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { sqlite, type Backend } from "trueup";
import { Migrations, type MigrationStatus } from "trueup/migrations";
import type { ComponentApi } from "trueup/migrations/_generated/component.js";
import migrationsComponent from "trueup/migrations/test";
import { loadDriver } from "../../src/storage/sqlite/driver/load-driver.js";
import { openSqlite } from "../../src/storage/sqlite/sqlite-storage.js";
import { call, openApp } from "../setup/open-app.js";
import { seededRandom } from "../setup/random.js";
import { temporaryFolder } from "../setup/temporary-folder.js";
import { RecordedLog } from "../storage/recorded-log.js";
import { schema, type DataModel } from "./app.js";

const inFolder = temporaryFolder();
let files = 0;
const newFile = (): string => inFolder(`${files++}.sqlite`);

const documents = 60;
const batchSize = 10;
/** The one that was on its way to the disk when flushes were held, and those that may begin meanwhile. */
const batchesAhead = 3;

/** The batches that have begun, each by the ctx that its documents are migrated with. */
let ran = new Set<object>();
/** Lets flushes that are held go on. */
let letGo = (): void => {};
afterEach(() => letGo());

/** How many batches had begun when the live write got its turn. */
let begunBeforeLive = 0;

function makeApp() {
  const component = componentsGeneric()["migrations"] as unknown as ComponentApi;
  const migrations = new Migrations<DataModel>(component);
  return {
    schema,
    components: { migrations: migrationsComponent },
    modules: {
      migrations: {
        count: migrations.define({
          table: "users",
          batchSize,
          migrateOne: (ctx, user) => {
            ran.add(ctx);
            return { times: (user.times ?? 0) + 1 };
          },
        }),
        status: internalQueryGeneric(async (ctx): Promise<MigrationStatus | undefined> => {
          const [status] = await migrations.getStatus(ctx, { migrations: ["migrations:count"] });
          return status;
        }),
      },
      app: {
        fill: internalMutationGeneric(async (ctx: GenericMutationCtx<DataModel>) => {
          for (let i = 0; i < documents; i++) await ctx.db.insert("users", { name: String(i) });
        }),
        note: internalMutationGeneric(async (ctx: GenericMutationCtx<DataModel>) => {
          begunBeforeLive = ran.size;
          await ctx.db.insert("notes", { text: "live" });
        }),
        users: internalQueryGeneric(async (ctx) => ctx.db.query("users").collect()),
      },
    },
  };
}

/** An app on a disk so slow that no flush blocks the event loop, whose flushes end when the test says so. */
async function openOnHeldDisk() {
  ran = new Set();
  const log = new RecordedLog();
  log.blockingMs = 100;
  const app = await openApp(async () => openSqlite(await loadDriver(), newFile(), {}, log.open), makeApp());
  await call(app, "app:fill");
  let release = (): void => {};
  /** From here on flushes wait for each call of `release`. */
  const hold = (): void => {
    log.delay = () =>
      new Promise((resolve) => {
        release = resolve;
      });
  };
  letGo = () => {
    log.delay = () => Promise.resolve();
    release();
  };
  return { app, log, hold, release: () => release() };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

/** What the migration has left when everything is over. */
async function outcomeOf(app: Backend): Promise<{ times: unknown[]; status: MigrationStatus }> {
  await app.scheduler.idle();
  const users = (await call(app, "app:users")) as { times?: number }[];
  const status = (await call(app, "migrations:status")) as MigrationStatus;
  return { times: users.map(({ times }) => times), status };
}

test("batches go on while a flush is under way, a few and no more, and nobody is told of what is not durable", async () => {
  const { app, hold } = await openOnHeldDisk();
  hold();
  let isAcknowledged = false;
  const started = call(app, "migrations:count").then(() => (isAcknowledged = true));
  while (ran.size < batchesAhead) await setImmediate();
  await turns(50);
  expect(ran.size).toBe(batchesAhead);
  expect(isAcknowledged).toBe(false);
  const users = (await call(app, "app:users")) as { times?: number }[];
  expect(users.every(({ times }) => times === undefined)).toBe(true);
  expect(await call(app, "migrations:status")).toMatchObject({ state: "unknown", processed: 0 });
  letGo();
  await started;
  const { times, status } = await outcomeOf(app);
  expect(times).toEqual(Array(documents).fill(1));
  expect(status).toMatchObject({ state: "success", processed: documents });
});

test("a live write comes between two batches that do not wait for the disk", async () => {
  const { app, hold } = await openOnHeldDisk();
  hold();
  const started = call(app, "migrations:count");
  while (ran.size < 2) await setImmediate();
  let isWritten = false;
  const written = call(app, "app:note").then(() => (isWritten = true));
  await turns(50);
  expect([2, batchesAhead]).toContain(begunBeforeLive);
  expect(isWritten).toBe(false);
  letGo();
  await Promise.all([started, written]);
  expect((await outcomeOf(app)).times).toEqual(Array(documents).fill(1));
});

test("after a crash at any such moment a job goes on from what was durable: nothing is doubled, nothing lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const { app, log, hold, release } = await openOnHeldDisk();
      const started = call(app, "migrations:count");
      await started;
      hold();
      for (let left = Math.floor(random() * 4); left > 0; left--) {
        await turns(20);
        release();
      }
      await turns(20);
      const ahead = ran.size;
      const file = newFile();
      const share = random();
      log.crash(file, () => random() < share);
      letGo();
      ran = new Set();
      const after = await openApp(sqlite(file), makeApp());
      const { times, status } = await outcomeOf(after);
      expect(times).toEqual(Array(documents).fill(1));
      expect(status).toMatchObject({ state: "success", processed: documents });
      // What was computed ahead of the disk is computed again.
      expect(ahead + ran.size).toBeGreaterThanOrEqual(documents / batchSize);
      await app.scheduler.idle();
      await Promise.all([app.close(), after.close()]);
    }),
    { numRuns: 15 },
  );
});
