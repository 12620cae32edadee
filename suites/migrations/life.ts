/**
 * Takes a migration through a life with everything against it: random documents, live writes beside it, documents that fail,
 * and a process that is killed at random commits, before or after they count. Whatever happens, in the end every document was
 * migrated exactly once, as if it had gone through in one go, and nothing that was acknowledged is lost.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import { memory, openBackend, type Backend } from "trueup";
import { Migrations, type MigrationStatus } from "trueup/migrations";
import type { ComponentApi } from "trueup/migrations/_generated/component.js";
import migrationsComponent from "trueup/migrations/test";
import { FaultyDisk, type CrashPoint } from "../storage/faulty-storage.js";
import { call } from "../setup/open-app.js";

const schema = defineSchema({
  users: defineTable({
    key: v.number(),
    name: v.string(),
    tags: v.optional(v.array(v.string())),
    times: v.optional(v.number()),
  }).index("by_key", ["key"]),
  notes: defineTable({ key: v.number() }),
});
type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type Ctx = GenericMutationCtx<DataModel>;

export interface Life {
  /** After how many commits the process dies; null lives on. */
  crash: { commits: number; point: CrashPoint } | null;
  /** What the app does meanwhile. */
  writes: { kind: "insert" | "rename" | "delete"; which: number }[];
  /** What somebody does to the migration, after this many of these writes. */
  steering: "pause" | "cancel" | "retry" | null;
}

export interface Story {
  documents: { tags: string[] | null }[];
  batchSize: number | undefined;
  ranges: number;
  onError: "stop" | "quarantine";
  /** Documents that cannot be migrated before the last life. */
  failing: number[];
  lives: Life[];
}

const life: fc.Arbitrary<Life> = fc.record({
  crash: fc.option(
    fc.record({
      commits: fc.integer({ min: 1, max: 25 }),
      point: fc.constantFrom<CrashPoint>("before commit", "after commit"),
    }),
  ),
  writes: fc.array(fc.record({ kind: fc.constantFrom("insert", "rename", "delete"), which: fc.nat(60) }), {
    maxLength: 6,
  }),
  steering: fc.constantFrom("pause", "cancel", "retry", null, null),
});

export const story: fc.Arbitrary<Story> = fc.record({
  documents: fc.array(
    fc.record({ tags: fc.option(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 })) }),
    { maxLength: 50 },
  ),
  batchSize: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  ranges: fc.integer({ min: 1, max: 4 }),
  onError: fc.constantFrom("stop", "quarantine"),
  failing: fc.array(fc.nat(60), { maxLength: 3 }),
  lives: fc.array(life, { minLength: 1, maxLength: 5 }),
});

const component = componentsGeneric()["migrations"] as unknown as ComponentApi;
const name = "migrations:count";

/** The app of a story; `failing` is looked at by its migration. */
function modulesOf({ batchSize, ranges, onError }: Story, failing: ReadonlySet<number>): object {
  const migrations = new Migrations<DataModel>(component);
  const byKey = (ctx: Ctx, key: number) =>
    ctx.db
      .query("users")
      .withIndex("by_key", (q) => q.eq("key", key))
      .unique();
  return {
    migrations: {
      count: migrations.define({
        table: "users",
        batchSize,
        ranges,
        onError,
        migrateOne: async (ctx, user) => {
          await ctx.db.insert("notes", { key: user.key });
          if (failing.has(user.key)) throw new Error("cannot be migrated yet");
          return { times: (user.times ?? 0) + 1 };
        },
      }),
    },
    app: {
      insert: internalMutationGeneric(async (ctx: Ctx, user: { key: number; tags?: string[] }) => {
        await ctx.db.insert("users", { name: "new", ...user });
      }),
      rename: internalMutationGeneric(async (ctx: Ctx, { key, to }: { key: number; to: string }) => {
        const user = await byKey(ctx, key);
        if (user !== null) await ctx.db.patch("users", user._id, { name: to });
      }),
      delete: internalMutationGeneric(async (ctx: Ctx, { key }: { key: number }) => {
        const user = await byKey(ctx, key);
        if (user !== null) await ctx.db.delete("users", user._id);
      }),
      all: internalMutationGeneric(async (ctx: Ctx) => ({
        users: await ctx.db.query("users").collect(),
        notes: await ctx.db.query("notes").collect(),
      })),
    },
  };
}

/** What must be there in the end, as far as the app was told. */
class Expected {
  /** By key: the names that the document may have; what was not acknowledged may have happened or not. */
  readonly names = new Map<number, Set<string>>();
  readonly mayBeGone = new Set<number>();
  readonly gone = new Set<number>();
  readonly mayBeThere = new Set<number>();
  /** Inserted while the migration was not done. */
  readonly inTime = new Set<number>();
}

/** Runs a story, and looks at what is left. */
export class Simulation {
  readonly #story: Story;
  readonly #disk = new FaultyDisk(memory());
  readonly #failing: Set<number>;
  readonly #expected = new Expected();
  #nextKey: number;
  #renames = 0;

  constructor(of: Story) {
    this.#story = of;
    this.#failing = new Set(of.failing);
    this.#nextKey = of.documents.length;
  }

  async run(): Promise<void> {
    const first = await this.#open();
    for (const [key, { tags }] of this.#story.documents.entries()) {
      await call(first, "app:insert", { key, ...(tags === null ? {} : { tags }) });
      this.#expected.names.set(key, new Set(["new"]));
      this.#expected.inTime.add(key);
    }
    await first.close();
    for (const each of this.#story.lives) await this.#live(each);
    this.#failing.clear();
    await this.#end();
    await this.#disk.close();
  }

  async #open(): Promise<Backend> {
    const modules = Object.entries(modulesOf(this.#story, this.#failing));
    return await openBackend({
      storage: this.#disk.open,
      schema,
      modules: Object.fromEntries(
        modules.map(([path, module]) => [`./convex/${path}.ts`, () => Promise.resolve(module)]),
      ),
      components: { migrations: migrationsComponent },
      log: "silent",
    });
  }

  async #live({ crash, writes, steering }: Life): Promise<void> {
    const app = await this.#open();
    if (crash !== null) this.#disk.crashAtCommit(crash.commits, crash.point);
    await call(app, name).catch(() => {});
    for (const write of writes) {
      await this.#write(app, write);
      await setImmediate();
    }
    if (steering !== null) await this.#steer(app, steering);
    await this.#settled(app);
    this.#disk.crashAtCommit(Infinity, "before commit");
    this.#disk.crash();
    await app.close().catch(() => {});
  }

  /** A write of the app; one that fails may have happened all the same. */
  async #write(app: Backend, { kind, which }: Life["writes"][number]): Promise<void> {
    const { names, gone, mayBeGone, mayBeThere, inTime } = this.#expected;
    const known = [...names.keys()];
    const key = kind === "insert" ? this.#nextKey++ : known[which % known.length];
    if (key === undefined) return;
    const to = `renamed ${this.#renames++}`;
    const wasDone = kind === "insert" && (await this.#status(app).catch(() => null))?.isDone !== false;
    const isKnown = await call(app, `app:${kind}`, { key, ...(kind === "rename" ? { to } : {}) }).then(
      () => true,
      () => false,
    );
    if (kind === "insert") {
      names.set(key, new Set(["new"]));
      if (!isKnown) mayBeThere.add(key);
      // It was inserted in time for sure only if the migration is not done even now.
      if (!wasDone && (await this.#status(app).catch(() => null))?.isDone === false) inTime.add(key);
    } else if (kind === "delete") {
      (isKnown ? gone : mayBeGone).add(key);
    } else {
      names.set(key, isKnown ? new Set([to]) : new Set([...(names.get(key) ?? []), to]));
    }
  }

  async #steer(app: Backend, how: "pause" | "cancel" | "retry"): Promise<void> {
    await app
      .run({
        path: `lib:${how}`,
        componentPath: "migrations",
        args: { name },
        identity: null,
        allowInternal: true,
      })
      .catch(() => {});
  }

  async #status(app: Backend): Promise<MigrationStatus | undefined> {
    const outcome = await app.run({
      path: "lib:getStatus",
      componentPath: "migrations",
      args: { names: [name] },
      identity: null,
      allowInternal: true,
    });
    if (outcome.status === "error") throw outcome.error;
    return (outcome.value as MigrationStatus[])[0];
  }

  /** Waits until the migration rests, or the process is dead. */
  async #settled(app: Backend): Promise<MigrationStatus | null> {
    for (;;) {
      const status = await this.#status(app).catch(() => null);
      if (status === null || status?.state !== "inProgress") return status ?? null;
      await setImmediate();
    }
  }

  async #end(): Promise<void> {
    const app = await this.#open();
    const control = (method: string) =>
      app.run({
        path: `lib:${method}`,
        componentPath: "migrations",
        args: { name },
        identity: null,
        allowInternal: true,
      });
    await call(app, name);
    await control("resume");
    await this.#settled(app);
    for (let tries = 0; tries < 5; tries++) {
      await control("retry");
      await app.scheduler.idle();
    }
    const status = await this.#status(app);
    assert.equal(status?.state, "success", status?.error);
    assert.equal(status.failed, 0, "documents left in quarantine");
    const { users, notes } = (await call(app, "app:all")) as Record<
      "users" | "notes",
      { key: number; name: string; times?: number }[]
    >;
    this.#check(users, notes);
    // Every document that it went through left a note, but those that were deleted out of the quarantine.
    const { gone, mayBeGone } = this.#expected;
    const deleted = this.#story.failing.filter((key) => gone.has(key) || mayBeGone.has(key)).length;
    const unnoted = status.processed - notes.length;
    assert(unnoted >= 0 && unnoted <= deleted, `${status.processed} processed, ${notes.length} notes`);
    await app.close();
  }

  #check(
    users: readonly { key: number; name: string; times?: number }[],
    notes: readonly { key: number }[],
  ): void {
    const { names, gone, mayBeGone, mayBeThere, inTime } = this.#expected;
    const found = new Map(users.map((user) => [user.key, user]));
    for (const [key, possible] of names) {
      const user = found.get(key);
      if (user === undefined) {
        assert(gone.has(key) || mayBeGone.has(key) || mayBeThere.has(key), `document ${key} is lost`);
        continue;
      }
      assert(!gone.has(key), `document ${key} was deleted and is there`);
      assert(possible.has(user.name), `document ${key} is called ${user.name}`);
      const isMigrated = user.times === 1;
      assert(isMigrated || (user.times === undefined && !inTime.has(key)), `${key} times ${user.times}`);
    }
    assert(
      [...found.keys()].every((key) => names.has(key)),
      "a document that nobody inserted",
    );
    const noted = notes.map(({ key }) => key);
    assert.equal(noted.length, new Set(noted).size, "documents that left two notes");
    for (const { key, times } of users) assert.equal(noted.includes(key), times === 1, `note of ${key}`);
  }
}
