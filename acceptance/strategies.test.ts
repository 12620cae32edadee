/**
 * Takes each strategy for changing a schema under `examples/strategies` through its stages, deploy by deploy, on a backend
 * with data in it. The pages in `docs/strategies` show these very files.
 */
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { storageNames } from "../suites/setup/open-app.js";
import { StrategyApp } from "./strategies/strategy-app.js";
import { writeGenerated } from "./setup/generated-folder.js";

const examples = "examples/strategies";
const target = resolve(".strategy-apps");
const strategies = foldersIn(examples);

rmSync(target, { recursive: true, force: true });
cpSync(examples, target, { recursive: true });
for (const strategy of strategies) {
  for (const stage of foldersIn(join(target, strategy))) writeGenerated(join(target, strategy, stage));
}

afterAll(() => rmSync(target, { recursive: true, force: true }));

test("the code of every stage type-checks", () => {
  writeFileSync(
    join(target, "tsconfig.json"),
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: { rootDir: ".." },
      include: ["./**/*.ts"],
      exclude: [],
    }),
  );
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin",
    "tsc",
  );
  const checked = spawnSync(process.execPath, [compiler, "-p", target, "--pretty", "false", "--listFiles"], {
    encoding: "utf8",
  });
  expect(checked.stdout.split("\n").filter((line) => /error TS/.test(line))).toEqual([]);
  for (const strategy of strategies) {
    expect(checked.stdout).toContain(`.strategy-apps/${strategy}/before/schema.ts`);
  }
});

describe.each(storageNames)("in several deploys, on %s", (storage) => {
  const start = (strategy: string): Promise<StrategyApp> =>
    StrategyApp.start(join(target, strategy), storage);
  const unmigrated = expect.objectContaining({ code: "SCHEMA_NOT_SATISFIED" });

  test("a required field is added: optional, then everywhere, then required", async () => {
    const app = await start("adding-a-required-field");
    await app.call("users:add", { name: "Ann" });
    await expect(app.deploy("narrowed")).rejects.toEqual(unmigrated);
    await app.deploy("widened");
    await app.call("users:add", { name: "Bea" });
    await expect(app.deploy("narrowed")).rejects.toEqual(unmigrated);
    expect(await app.migrate("addRole")).toBe("success");
    await app.deploy("narrowed");
    expect(await app.documents("users")).toEqual([
      { name: "Ann", role: "user" },
      { name: "Bea", role: "user" },
    ]);
  });

  test("a field is deleted: deprecated, then nowhere, then gone from the schema", async () => {
    const app = await start("deleting-a-field");
    await app.call("teams:add", { name: "red", isPro: true });
    await expect(app.deploy("narrowed")).rejects.toEqual(unmigrated);
    await app.deploy("widened");
    await app.call("teams:add", { name: "blue" });
    expect(await app.migrate("removeIsPro")).toBe("success");
    await app.deploy("narrowed");
    expect(await app.documents("teams")).toEqual([{ name: "red" }, { name: "blue" }]);
  });

  test("a type is changed by way of a new field, and the answer is the same at every stage", async () => {
    const app = await start("changing-a-type");
    await app.call("teams:add", { name: "red", isPro: true });
    await app.call("teams:add", { name: "blue", isPro: false });
    expect(await app.call("teams:countPro")).toBe(1);
    await app.deploy("widened");
    await app.call("teams:add", { name: "green", plan: "pro" });
    expect(await app.call("teams:countPro")).toBe(2);
    expect(await app.migrate("planFromIsPro")).toBe("success");
    expect(await app.call("teams:countPro")).toBe(2);
    await app.deploy("narrowed");
    expect(await app.call("teams:countPro")).toBe(2);
    expect(await app.documents("teams")).toEqual([
      { name: "red", plan: "pro" },
      { name: "blue", plan: "basic" },
      { name: "green", plan: "pro" },
    ]);
  });

  test("a nested object becomes a table of its own, and is found at every stage", async () => {
    const app = await start("splitting-a-nested-object");
    const ann = await app.call("users:add", { name: "Ann", preferences: { theme: "dark", emails: true } });
    expect(await app.call("users:theme", { userId: ann })).toBe("dark");
    await app.deploy("widened");
    const bea = await app.call("users:add", { name: "Bea", preferences: { theme: "light", emails: false } });
    expect(await app.call("users:theme", { userId: ann })).toBe("dark");
    expect(await app.migrate("extractPreferences")).toBe("success");
    await app.deploy("narrowed");
    expect(await app.call("users:theme", { userId: ann })).toBe("dark");
    expect(await app.call("users:theme", { userId: bea })).toBe("light");
    expect(await app.documents("users")).toEqual([{ name: "Ann" }, { name: "Bea" }]);
  });

  test("orphans are deleted, and no others", async () => {
    const app = await start("cleaning-up-orphans");
    await app.call("chunks:add", { text: "kept", vector: [1] });
    const chunkId = await app.call("chunks:add", { text: "removed", vector: [2] });
    await app.call("chunks:remove", { chunkId });
    await app.deploy("after");
    const later = await app.call("chunks:add", { text: "removed too", vector: [3] });
    await app.call("chunks:remove", { chunkId: later });
    expect(await app.documents("embeddings")).toEqual([{ vector: [1] }, { vector: [2] }]);
    expect(await app.migrate("deleteOrphanedEmbeddings")).toBe("success");
    expect(await app.documents("embeddings")).toEqual([{ vector: [1] }]);
  });

  test("dual write: the old field stays true, so that each deploy but the last can be taken back", async () => {
    const app = await start("dual-write");
    await app.call("teams:add", { name: "red", isPro: true });
    await app.deploy("writes-both");
    await app.call("teams:add", { name: "blue", isPro: true });
    expect(await app.migrate("addPlan")).toBe("success");
    await app.deploy("reads-new");
    await app.call("teams:add", { name: "green", isPro: false });
    expect(await app.call("teams:countPro")).toBe(2);
    await app.deploy("writes-both");
    expect(await app.call("teams:countPro")).toBe(2);
    await app.deploy("only-new");
    expect(await app.migrate("removeIsPro")).toBe("success");
    await app.deploy("narrowed");
    expect(await app.call("teams:countPro")).toBe(2);
  });

  test("dual read: documents of either shape count from the first deploy on", async () => {
    const app = await start("dual-read");
    await app.call("teams:add", { name: "red", isPro: true });
    await app.deploy("reads-both");
    await app.call("teams:add", { name: "blue", plan: "pro" });
    expect(await app.call("teams:countPro")).toBe(2);
    expect(await app.migrate("planFromIsPro")).toBe("success");
    await app.deploy("narrowed");
    expect(await app.call("teams:countPro")).toBe(2);
  });

  test("a small table is migrated by one mutation, which may run again", async () => {
    const app = await start("small-table-shortcut");
    await app.call("settings:add", { key: "title", value: "Hello" });
    await app.deploy("widened");
    expect(await app.call("settings:addScope")).toBe(1);
    expect(await app.call("settings:addScope")).toBe(0);
    await app.deploy("narrowed");
    expect(await app.documents("settings")).toEqual([{ key: "title", value: "Hello", scope: "everyone" }]);
  });
});

describe.each(storageNames)("in one deploy, on %s", (storage) => {
  const start = (strategy: string): Promise<StrategyApp> =>
    StrategyApp.start(join(target, strategy), storage);

  test("a required field is there at once, and the code from before can be put back", async () => {
    const app = await start("adding-a-required-field");
    await app.call("users:add", { name: "Ann" });
    await app.deploy("one-deploy");
    await app.call("users:add", { name: "Bea" });
    expect(await app.documents("users")).toEqual([
      { name: "Ann", role: "user" },
      { name: "Bea", role: "user" },
    ]);
    await app.deploy("before");
    await app.call("users:add", { name: "Cid" });
    expect(await app.documents("users")).toEqual([{ name: "Ann" }, { name: "Bea" }, { name: "Cid" }]);
  });

  test("a deleted field is gone at once", async () => {
    const app = await start("deleting-a-field");
    await app.call("teams:add", { name: "red", isPro: true });
    await app.deploy("one-deploy");
    await app.call("teams:add", { name: "blue" });
    expect(await app.documents("teams")).toEqual([{ name: "red" }, { name: "blue" }]);
  });

  test("a value of another type is there at once, in the index too, and there and back again", async () => {
    const app = await start("changing-a-type");
    await app.call("teams:add", { name: "red", isPro: true });
    await app.call("teams:add", { name: "blue", isPro: false });
    await app.deploy("one-deploy");
    expect(await app.call("teams:countPro")).toBe(1);
    await app.call("teams:add", { name: "green", plan: "pro" });
    expect(await app.call("teams:countPro")).toBe(2);
    await app.deploy("before");
    expect(await app.call("teams:countPro")).toBe(2);
    await app.deploy("one-deploy");
    expect(await app.call("teams:countPro")).toBe(2);
  });

  test("a nested object becomes a table of its own behind the deploy, and the schema narrows by itself", async () => {
    const app = await start("splitting-a-nested-object");
    const ann = await app.call("users:add", { name: "Ann", preferences: { theme: "dark", emails: true } });
    await app.deploy("one-deploy");
    expect(await app.call("users:theme", { userId: ann })).toBe("dark");
    await app.call("users:add", { name: "Bea", preferences: { theme: "light", emails: false } });
    await app.settled();
    expect(await app.call("users:theme", { userId: ann })).toBe("dark");
    expect(await app.documents("users")).toEqual([{ name: "Ann" }, { name: "Bea" }]);
    expect(await app.documents("userPreferences")).toHaveLength(2);
    await app.deploy("narrowed");
  });
});

test("each strategy has its page, and every page shows code of its example", () => {
  const pages = readdirSync("docs/strategies").filter((name) => name !== "README.md");
  expect(pages.toSorted()).toEqual(strategies.map((strategy) => `${strategy}.md`).toSorted());
  for (const page of pages) {
    const strategy = page.slice(0, -".md".length);
    const text = readFileSync(join("docs/strategies", page), "utf8");
    const shown = [...text.matchAll(/^```typescript\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)];
    expect(shown.length, page).toBeGreaterThan(0);
    for (const [, file = "", code = ""] of shown) {
      expect(readFileSync(join(examples, strategy, file), "utf8"), `${page}: ${file}`).toContain(code.trim());
    }
  }
});

function foldersIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== "_generated")
    .map(({ name }) => name);
}
