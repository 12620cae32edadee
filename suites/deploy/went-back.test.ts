/** Processes whose database went back to what it was: after a failover to a standby that lacked commits, or from a backup. */
import { expect, onTestFinished, test } from "vitest";
import { postgres, type Backend } from "trueup";
import { catchUp } from "../../src/storage/storage.js";
import { call } from "../setup/open-app.js";
import { newPostgresUrl, query } from "../setup/postgres.js";
import { appOf, push, severalBackends } from "./several-backends.js";

/** Keeps the tables of a schema as they are; the result puts all of them back at once. */
async function keepTables(url: string): Promise<() => Promise<void>> {
  const found = await query(
    url,
    "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()",
  );
  const names = found.map(({ name }) => String(name));
  const together = (statements: readonly string[]): string =>
    `DO $all$ BEGIN ${statements.join(" ")} END $all$`;
  await query(url, together(names.map((name) => `CREATE TABLE kept_${name} AS TABLE ${name};`)));
  return async () => {
    const putBack = names.map((name) => `DELETE FROM ${name}; INSERT INTO ${name} TABLE kept_${name};`);
    await query(url, together(putBack));
  };
}

async function scores(app: Backend): Promise<number[]> {
  await catchUp(app.database.storage);
  const rows = (await call(app, "app:rows", { table: "scores" })) as { score: number }[];
  return rows.map(({ score }) => score);
}

test("a database that went back is believed in all processes: documents, tables and the program", async () => {
  const ignore = (): void => {};
  process.on("warning", ignore);
  onTestFinished(() => void process.off("warning", ignore));
  const url = await newPostgresUrl();
  const open = severalBackends(postgres(url));
  const [left, right] = [await open(), await open()];
  await push(left, appOf("1"));
  for (const score of [1, 2, 3]) await call(left, "app:add", { score });
  const ids = ((await call(left, "app:rows", { table: "scores" })) as { _id: string }[]).map(
    ({ _id }) => _id,
  );
  const goBack = await keepTables(url);

  // Each process does some of it, and both have read all of it, before it is undone.
  await push(right, appOf("2"));
  await left.database.mutate((tx) => tx.component("").patch(ids[1] ?? "", { score: 20 }));
  await right.database.mutate((tx) => tx.component("").delete(ids[2] ?? ""));
  await call(right, "app:add", { score: 4 });
  await left.database.mutate((tx) => tx.component("").insert("others", {}));
  for (const app of [left, right]) {
    expect(await scores(app)).toEqual([1, 20, 4]);
    expect(await call(app, "app:rows", { table: "others" })).toHaveLength(1);
    expect(await call(app, "app:version")).toBe("2");
  }
  await goBack();

  for (const app of [left, right]) {
    expect(await scores(app)).toEqual([1, 2, 3]);
    expect(await call(app, "app:rows", { table: "others" })).toEqual([]);
    expect(await call(app, "app:version")).toBe("1");
  }
  const { value: inserted } = await right.database.mutate((tx) => tx.component("").insert("others", {}));
  await left.database.mutate((tx) => tx.component("").patch(ids[2] ?? "", { score: 30 }));
  for (const app of [left, right]) {
    expect(await scores(app)).toEqual([1, 2, 30]);
    await expect.poll(() => app.database.tableOfId("", inserted)).toBe("others");
    expect(await app.database.check()).toMatchObject({ differences: [] });
  }
});
