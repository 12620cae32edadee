import { expect, test } from "vitest";
import { Database } from "../../database/index.js";
import { memory } from "../../storage/memory/index.js";
import { plainApp } from "../definitions/component-definition.js";
import { changeEnvironment, readEnvironment, type EnvironmentChange } from "./environment-store.js";
import { moduleHash } from "./module-hash.js";
import type { CodeModule, ProgramCode } from "./program-code.js";
import { readProgram, storeProgram } from "./program-store.js";
import { readTexts } from "./text-table.js";

function module(path: string, source: string, sourceMap?: string): CodeModule {
  const map = sourceMap === undefined ? {} : { sourceMap };
  return { path, source, ...map, environment: "isolate", sha256: moduleHash({ source, ...map }) };
}

function program(pushId: string, modules: readonly CodeModule[]): ProgramCode {
  const code = { definition: plainApp, serverVersion: "1.48.0", schema: null, modules };
  return {
    pushId,
    functionsFolder: "convex/",
    nodeVersion: null,
    message: "a message",
    auth: [],
    crons: { "": { daily: "{}" } },
    definitions: new Map([["", code]]),
  };
}

async function open(): Promise<Database> {
  return await Database.open(await memory()());
}

async function store(database: Database, code: ProgramCode): Promise<void> {
  await database.mutate((tx) => storeProgram(tx, code), { limits: null });
}

async function read(database: Database): Promise<ProgramCode | null> {
  return (await database.query((tx) => readProgram(tx), { limits: null })).value;
}

test("a database that nothing was pushed to has no program", async () => {
  expect(await read(await open())).toBeNull();
});

test("a program is read as it was stored, however long its modules are", async () => {
  const database = await open();
  const long = "0123456789".repeat(300_000);
  const emoji = `${"x".repeat(199_999)}😀${"é".repeat(500_000)}`;
  const code = program("1", [module("a.js", long, "map"), module("b.js", emoji), module("empty.js", "")]);
  await store(database, code);
  expect(await read(database)).toEqual(code);
});

test("the program stored last replaces the one before; texts that both have stay, others go", async () => {
  const database = await open();
  await store(database, program("1", [module("a.js", "kept"), module("b.js", "dropped")]));
  const next = program("2", [module("moved.js", "kept"), module("c.js", "new")]);
  await store(database, next);
  expect(await read(database)).toEqual(next);
  const { value: texts } = await database.query((tx) => readTexts(tx.system("")), { limits: null });
  expect([...texts.values()].filter((text) => text.length < 20).toSorted()).toEqual(["kept", "new"]);
});

test("environment variables are set, replaced and unset", async () => {
  const database = await open();
  const change = async (...changes: EnvironmentChange[]): Promise<unknown> => {
    await database.mutate((tx) => changeEnvironment(tx, changes));
    return (await database.query((tx) => readEnvironment(tx))).value;
  };
  expect(await change({ name: "B", value: "1" }, { name: "A", value: "" })).toEqual({ A: "", B: "1" });
  expect(await change({ name: "B", value: "2" }, { name: "C", value: "3" })).toEqual({
    A: "",
    B: "2",
    C: "3",
  });
  expect(await change({ name: "A", value: null }, { name: "NONE", value: null })).toEqual({ B: "2", C: "3" });
});

test.each([
  [{ name: "1A", value: "" }],
  [{ name: "WITH SPACE", value: "" }],
  [{ name: "CONVEX_CLOUD_URL", value: "" }],
  [{ name: "LONG", value: "x".repeat(9_000) }],
])("the environment variable %j is refused", async (change) => {
  const database = await open();
  await expect(
    database.mutate((tx) => changeEnvironment(tx, [{ name: "OK", value: "1" }, change])),
  ).rejects.toMatchObject({ code: "INVALID_ENVIRONMENT_VARIABLE" });
  expect((await database.query((tx) => readEnvironment(tx))).value).toEqual({});
});
