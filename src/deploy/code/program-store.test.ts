import { expect, test } from "vitest";
import { mutate } from "../../../suites/setup/open-database.js";
import { readAll, Database, type Fields } from "../../database/index.js";
import { memory } from "../../storage/memory/index.js";
import { plainApp } from "../definitions/convex-config.js";
import { changeEnvironment, readEnvironment, type EnvironmentChange } from "./environment-store.js";
import { moduleHash } from "./program-code.js";
import type { CodeModule, ProgramCode } from "./program-code.js";
import { textOf } from "./module-texts.js";
import { readPrograms, storeProgram } from "./program-store.js";
import { keepTexts, readTexts } from "./text-table.js";

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
  const { active, losses } = await readPrograms(database);
  expect(losses).toEqual([]);
  return active;
}

/** Takes away what was damaged, as a repair does. */
async function lose(database: Database, table: string, isLost: (fields: Fields) => boolean): Promise<void> {
  await mutate(database, async (tx) => {
    const rows = await readAll<Fields>(tx.system(""), table);
    expect(rows.some(isLost)).toBe(true);
    for (const row of rows) if (isLost(row)) await tx.system("").delete(row._id, table);
  });
}

const firstPiece = ({ position, last }: Fields): boolean => position === 0 && last !== 0;

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

test("a module that was imported is stored with what was found in it, and is not parsed again", async () => {
  const database = await open();
  const imported = module("a.js", "export const a = 1;");
  const text = textOf(imported);
  await store(database, program("1", [imported, module("b.js", "never imported")]));
  const [a, b] = (await read(database))?.definitions.get("")?.modules ?? [];
  expect(a).toMatchObject(imported);
  expect(b?.outline).toBeUndefined();
  if (a === undefined) throw new Error("no module");
  expect(textOf(a)).toEqual(text);
  expect(() => textOf({ ...imported, source: "no module" })).toThrow(SyntaxError);
  expect(textOf({ ...a, source: "no module" }).exports).toEqual(new Map([["a", "a"]]));
});

test("an outline stays with the modules of the next push, and one that is lost is found anew", async () => {
  const database = await open();
  const imported = module("a.js", "export const a = 1;");
  textOf(imported);
  await store(database, program("1", [imported]));
  const first = await read(database);
  await store(database, program("2", first?.definitions.get("")?.modules ?? []));
  const second = await read(database);
  expect(second?.definitions.get("")?.modules[0]?.outline).toBeTypeOf("string");
  await lose(database, "_pushed_texts", ({ piece }) => String(piece).startsWith('{"version"'));
  const [lost] = (await read(database))?.definitions.get("")?.modules ?? [];
  expect(lost).toEqual(imported);
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

test("a text that lost a piece is not read, and is written anew when it is kept again", async () => {
  const database = await open();
  const long = "0123456789".repeat(50_000);
  const keep = (): Promise<void> => mutate(database, (tx) => keepTexts(tx.system(""), [long, "short"]));
  const texts = async (): Promise<string[]> =>
    (await database.query(async (tx) => [...(await readTexts(tx.system(""))).values()], { limits: null }))
      .value;
  await keep();
  await lose(database, "_pushed_texts", firstPiece);
  expect(await texts()).toEqual(["short"]);
  await keep();
  expect((await texts()).toSorted()).toEqual([long, "short"]);
});

test("a program that lost a text is STORAGE_CORRUPT, until it is stored again", async () => {
  const database = await open();
  const code = program("1", [module("a.js", "0123456789".repeat(50_000)), module("b.js", "b")]);
  await store(database, code);
  await lose(database, "_pushed_texts", firstPiece);
  expect(await readPrograms(database)).toMatchObject({
    active: null,
    losses: [{ code: "STORAGE_CORRUPT", message: expect.stringContaining("deploy again") }],
  });
  await store(database, { ...code, pushId: "2" });
  expect(await read(database)).toEqual({ ...code, pushId: "2" });
});

test("an earlier program never runs in the place of one that is lost", async () => {
  const database = await open();
  const [first, second] = ["1", "2"].map((id) => program(id, [module("a.js", `source ${id}`)]));
  if (first === undefined || second === undefined) throw new Error();
  await store(database, first);
  await mutate(database, (tx) => storeProgram(tx, second, new Set(["1"])));
  const wanted = new Set(["1"]);
  expect(await readPrograms(database, wanted)).toEqual({ active: second, retained: [first], losses: [] });
  await lose(database, "_pushed_programs", ({ pushId }) => pushId === "2");
  expect(await readPrograms(database, wanted)).toMatchObject({
    active: null,
    retained: [first],
    losses: [{ code: "STORAGE_CORRUPT" }],
  });
});

test("an earlier program that is lost is TRANSFORM_MISSING, now and after the next push", async () => {
  const database = await open();
  const wanted = new Set(["1"]);
  await store(database, program("1", [module("a.js", "source 1")]));
  for (const pushId of ["2", "3"]) {
    const code = program(pushId, [module("a.js", `source ${pushId}`)]);
    await mutate(database, (tx) => storeProgram(tx, code, wanted));
    if (pushId === "2") await lose(database, "_pushed_texts", ({ piece }) => piece === "source 1");
    expect(await readPrograms(database, wanted)).toMatchObject({
      active: code,
      retained: [],
      losses: [{ code: "TRANSFORM_MISSING", details: { pushId: "1" } }],
    });
  }
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
