import { mutationGeneric as mutation, paginationOptsValidator, queryGeneric as query } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { call, openApp, storageNames } from "../setup/open-app.js";

const rows = {
  add: mutation({
    args: { n: v.number() },
    handler: ({ db }, { n }) => db.insert("rows", { n }),
  }),
  page: query({
    args: { paginationOpts: paginationOptsValidator },
    handler: ({ db }, { paginationOpts }) => db.query("rows").paginate(paginationOpts),
  }),
  failing: query(async ({ db }) => {
    const first = await db.query("rows").first();
    throw new Error(`first is ${String(first?.["n"])}`);
  }),
};

test.each(storageNames)(
  "a query that is run again ends its page where it ended before, on %s",
  async (storage) => {
    const app = await openApp(storage, { modules: { rows } });
    for (let n = 0; n < 3; n += 1) await call(app, "rows:add", { n });
    const page = (journal: string | null) =>
      app.run({
        path: "rows:page",
        args: { paginationOpts: { cursor: null, numItems: 3 } },
        allowInternal: true,
        journal,
      });
    const first = await page(null);
    const again = await page(first.status === "success" ? (first.journal ?? null) : null);
    expect(again).toMatchObject({ status: "success", value: { page: [{ n: 0 }, { n: 1 }, { n: 2 }] } });
    expect(again).toHaveProperty("journal", first.status === "success" ? first.journal : "");
  },
);

test.each(storageNames)("a query that throws says what it had read, on %s", async (storage) => {
  const app = await openApp(storage, { modules: { rows } });
  await call(app, "rows:add", { n: 1 });
  const failure = await app.run({ path: "rows:failing", allowInternal: true });
  expect(failure).toMatchObject({ status: "error", version: app.database.storage.version });
  expect(failure).toHaveProperty("readSet");
});
