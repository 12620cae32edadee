import { defineSchema, defineTable, type GenericSchema, type SchemaDefinition } from "convex/server";
import { v } from "convex/values";
import { expect, test, describe } from "vitest";
import type { Backend, LogEntry } from "trueup";
import { call, storageNames, type StorageName } from "../setup/open-app.js";
import { deploy, emptyApp, fieldsOf, migrations, settled, type Version } from "./teams-app.js";

/** Preferences inside of users, then in a table of their own. */
const inside = defineSchema({
  users: defineTable({ name: v.string(), theme: v.optional(v.string()) }),
});
const apart = defineSchema({
  users: defineTable({ name: v.string() }),
  preferences: defineTable({ userId: v.id("users"), theme: v.string() }).index("by_user", ["userId"]),
});

interface User {
  readonly _id: never;
  readonly theme?: string;
}

interface Log {
  readonly lines: string[];
  readonly options: object;
}

function newLog(): Log {
  const lines: string[] = [];
  const log = (_line: string, { functionPath, message }: LogEntry): void => {
    if (functionPath === "deploy") lines.push(message);
  };
  return { lines, options: { log } };
}

/** @param fails Whether to fail on a user's theme. */
function splitting(fails: (theme: string) => boolean = () => false, runOnDeploy: boolean = true): Version {
  const split = migrations.define({
    table: "users",
    migrateOne: async (ctx, user: User) => {
      if (user.theme === undefined) return;
      if (fails(user.theme)) throw new Error(`no such theme: ${user.theme}`);
      await ctx.db.insert("preferences", { userId: user._id, theme: user.theme });
      await ctx.db.patch(user._id, { theme: undefined });
    },
    runOnDeploy,
  });
  return { schema: apart, migrations: { split, waived: migrations.waive("drop-field:users.theme") } };
}

async function appWithUsers(storage: StorageName, count: number, options: object = {}): Promise<Backend> {
  const app = await emptyApp(storage, options);
  await deploy(app, { schema: inside });
  for (let n = 0; n < count; n++) {
    await call(app, "documents:insert", {
      table: "users",
      value: { name: `user ${n}`, theme: `theme ${n}` },
    });
  }
  return app;
}

async function state(app: Backend): Promise<string> {
  const { value } = await app.database.query(async (tx) => tx.schemaState(""));
  return value.state;
}

async function narrow(app: Backend): Promise<void> {
  await expect.poll(() => state(app)).toBe("narrow");
}

async function all(app: Backend, table: string): Promise<object[]> {
  return fieldsOf(await call(app, "documents:all", { table }));
}

describe.each(storageNames)("a schema with a migration that a deploy starts, on %s", (storage) => {
  test("is pending until the last document fits, and narrows by itself", async () => {
    const log = newLog();
    const app = await appWithUsers(storage, 30, log.options);
    await deploy(app, splitting());
    await narrow(app);
    expect(await all(app, "preferences")).toHaveLength(30);
    expect(await all(app, "users")).toEqual(Array.from({ length: 30 }, (_, n) => ({ name: `user ${n}` })));
    expect(log.lines[0]).toBe("migration migrations:split started");
    expect(log.lines.at(-1)).toBe("the schema is narrow: every document fits");
    // It is done: neither this deploy nor one without it does anything.
    await deploy(app, splitting());
    await deploy(app, { schema: apart });
    expect(await state(app)).toBe("narrow");
  });

  test("holds writes to the new schema from the deploy on, and lets old documents be read", async () => {
    const app = await appWithUsers(storage, 3, { runScheduled: false });
    await deploy(app, splitting());
    expect(await state(app)).toBe("pending");
    const value = { name: "late", theme: "dark" };
    await expect(call(app, "documents:insert", { table: "users", value })).rejects.toMatchObject({
      code: "SCHEMA_VIOLATION",
    });
    expect(await all(app, "users")).toHaveLength(3);
    expect((await all(app, "users"))[0]).toMatchObject({ theme: "theme 0" });
  });

  test("stays pending when the same is deployed again", async () => {
    const app = await appWithUsers(storage, 3, { runScheduled: false });
    await deploy(app, splitting());
    await deploy(app, splitting());
    expect(await state(app)).toBe("pending");
  });

  test("stays pending when its migration fails, says why, and narrows when the documents are mended", async () => {
    const log = newLog();
    const app = await appWithUsers(storage, 5, log.options);
    await deploy(
      app,
      splitting((theme) => theme === "theme 3"),
    );
    await expect.poll(() => log.lines.at(-1)).toContain("stays pending");
    expect(log.lines.join("\n")).toContain("migration migrations:split failed on document");
    expect(log.lines.at(-1)).toContain("theme");
    const [pending] = (await app.schemaChanges()).pending;
    expect(pending).toMatchObject({
      componentPath: "",
      migrations: ["migrations:split"],
      violating: expect.any(Number),
    });
    // The schema narrows by a migration that can do it, as here, or when somebody mends the documents.
    await deploy(app, splitting());
    await narrow(app);
    expect(await all(app, "preferences")).toHaveLength(5);
  });

  test("refuses a deploy that leaves its migration out before it is done", async () => {
    const app = await appWithUsers(storage, 3, { runScheduled: false });
    await deploy(app, splitting());
    await expect(deploy(app, { schema: apart })).rejects.toMatchObject({
      code: "SCHEMA_NOT_SATISFIED",
      message: expect.stringContaining("The schema in force is pending: migrations:split has not brought"),
    });
    // Going back is free as long as nothing was migrated.
    await deploy(app, { schema: defineSchema({ ...inside.tables, preferences: apart.tables.preferences }) });
    expect(await state(app)).toBe("narrow");
  });
});

test("documents that fit no longer keep a schema pending, whoever mended them", async () => {
  const app = await appWithUsers("memory", 2);
  await deploy(
    app,
    splitting(() => true),
  );
  await expect.poll(async () => (await app.schemaChanges()).pending[0]?.violating).toBe(2);
  for (const { _id } of (await call(app, "documents:all", { table: "users" })) as { _id: string }[]) {
    await call(app, "documents:replace", { id: _id, value: { name: "mended" } });
  }
  await expect.poll(() => state(app)).toBe("narrow");
});

test("migrations of a deploy run in the order of what they require", async () => {
  const app = await appWithUsers("memory", 2);
  const order: string[] = [];
  const noting = (name: string, requires: string[]): object =>
    migrations.define({
      table: "users",
      migrateOne: () => {
        order.push(name);
      },
      runOnDeploy: true,
      requires,
    });
  const declared = {
    a: noting("a", ["migrations:c"]),
    b: noting("b", []),
    c: noting("c", ["migrations:b"]),
  };
  await deploy(app, { schema: inside, migrations: declared });
  await expect.poll(() => order).toEqual(["b", "b", "c", "c", "a", "a"]);
  await settled(app);
});

test("what a migration does not touch refuses the deploy as ever", async () => {
  const app = await appWithUsers("memory", 2);
  const { migrations: declared = {} } = splitting(undefined, false);
  const refused = deploy(app, { schema: apart, migrations: declared });
  await expect(refused).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
    message: expect.stringContaining("2 documents do not match the schema"),
    details: { plans: { "": { verdict: "needsMigration" } } },
  });
});

const orders = (amount: SchemaDefinition<GenericSchema, boolean>["tables"][string]): Version => ({
  schema: defineSchema({ orders: amount }),
});

test("a removed table that holds documents needs its waiver, which deletes them; an empty one does not", async () => {
  const app = await emptyApp("memory");
  await deploy(app, orders(defineTable({ amount: v.number() })));
  await call(app, "documents:insert", { table: "orders", value: { amount: 1 } });
  const without = { schema: defineSchema({ other: defineTable({}) }) };
  await expect(deploy(app, without)).rejects.toMatchObject({
    code: "DESTRUCTIVE_CHANGE",
    message: expect.stringContaining("orders: a table with 1 document"),
  });
  await deploy(app, { ...without, migrations: { gone: migrations.waive("drop-table:orders") } });
  const { value: tables } = await app.database.query(async (tx) => tx.component("").tables());
  expect(tables).toEqual(["other"]);
  await deploy(app, orders(defineTable({ amount: v.number() })));
  expect(await all(app, "orders")).toEqual([]);
  await deploy(app, without);
});

test("the log says when a transform is in force, and when it is done", async () => {
  const log = newLog();
  const app = await appWithUsers("memory", 3, log.options);
  const up = (user: { name: string }): object => ({ ...user, name: user.name.toUpperCase() });
  await deploy(app, { schema: inside, migrations: { loud: migrations.define({ table: "users", up }) } });
  await settled(app);
  await expect.poll(() => log.lines.length).toBeGreaterThan(0);
  expect(log.lines.at(-1)).toBe(
    "transform migrations:loud is done: every document of users is written through",
  );
});
