import { afterEach, expect, test } from "vitest";
import { memory, programFromModules } from "trueup";
import { Database } from "../../src/database/index.js";
import { Runtime, type LoadedProgram } from "../../src/functions/index.js";
import { AggregateDriver, StandbyBuild } from "../../src/integrity/index.js";
import { JobTable } from "../../src/scheduler/index.js";
import { fakeAggregate, type FakeOptions } from "./fake-aggregate.js";
import { emptyComponent, modulesWith, schema } from "./scores-app.js";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Host {
  readonly database: Database;
  readonly runtime: Runtime;
  load(options: FakeOptions): Promise<LoadedProgram>;
  activate(program: LoadedProgram): Promise<void>;
  add(score: number): Promise<void>;
  /** Definition and status of each generation that there ever was. */
  generations(): Promise<unknown[][]>;
  items(definition: string): Promise<number>;
}

/** An engine with a program in place whose aggregate has the definition "1". */
async function openHost(): Promise<Host> {
  const database = await Database.open(await memory()());
  closing.push(() => database.close());
  const runtime = new Runtime(database, { jobs: new JobTable(database), log: "silent" });
  const driver = new AggregateDriver(database, runtime);
  closing.unshift(() => driver.stop());
  let activations = 0;
  const rows = async (table: string): Promise<Record<string, unknown>[]> => {
    const outcome = await runtime.run({ path: "scores:table", args: { table }, allowInternal: true });
    if (outcome.status === "error") throw outcome.error;
    return outcome.value as Record<string, unknown>[];
  };
  const host: Host = {
    database,
    runtime,
    load: async (options) => {
      const modules = Object.entries(modulesWith({ byScore: fakeAggregate(options) }));
      const paths = modules.map(([path, module]) => [`./convex/${path}.ts`, module]);
      const components = { byScore: emptyComponent };
      return await runtime.load(
        await programFromModules({ modules: Object.fromEntries(paths), schema, components }),
      );
    },
    activate: async (program) => {
      const name = `program/${++activations}`;
      runtime.programs.add(name, program);
      await database.mutate(
        async (tx) => {
          for (const [path, component] of program.components) {
            await tx.applySchema(path, component.program.schema);
          }
          tx.nameProgram(name);
          await driver.store(tx, program);
        },
        { limits: null },
      );
      const { value: takeUp } = await database.query((tx) => driver.takeUp(tx, program), { limits: null });
      runtime.programs.takeUp(name);
      takeUp();
    },
    add: async (score) => {
      const outcome = await runtime.run({
        path: "scores:add",
        args: { name: "", score },
        allowInternal: true,
      });
      if (outcome.status === "error") throw outcome.error;
    },
    generations: async () =>
      (await rows("generations")).map(({ definition, status }) => [definition, status]),
    items: async (definition) =>
      (await rows("items")).filter((item) => item["definition"] === definition).length,
  };
  await host.activate(await host.load({ definition: "1" }));
  for (let score = 0; score < 5; score += 1) await host.add(score);
  return host;
}

function standbyFor({ database, runtime }: Host, next: LoadedProgram): StandbyBuild {
  const standby = new StandbyBuild(database, runtime, runtime.active, { name: "next", program: next });
  closing.unshift(() => standby.abandon());
  return standby;
}

test("both definitions are followed until the new one is left off, which drops it", async () => {
  const host = await openHost();
  const standby = standbyFor(host, await host.load({ definition: "2" }));
  await standby.whenReady();
  expect(standby.progress()).toEqual([{ componentPath: "", ready: 1, total: 1 }]);
  await host.add(10);
  expect([await host.items("1"), await host.items("2")]).toEqual([6, 6]);
  await standby.abandon();
  expect(await host.generations()).toEqual([
    ["1", "ready"],
    ["2", "dropped"],
  ]);
  await host.add(11);
  expect([await host.items("1"), await host.items("2")]).toEqual([7, 6]);
});

test("a write that the new definition cannot follow goes through, and the new one is not taken over", async () => {
  const host = await openHost();
  const value = (doc: Record<string, unknown>): number => {
    if (doc["score"] === 13) throw new Error("no thirteen");
    return 1;
  };
  const standby = standbyFor(host, await host.load({ definition: "2", value }));
  await standby.whenReady();
  await host.add(13);
  expect(await host.items("1")).toBe(6);
  const placed = host.database.mutate((tx) => standby.store(tx));
  await expect(placed).rejects.toThrow(/no thirteen/);
});

test("another program that is put in place meanwhile ends the build, and what it brought stays", async () => {
  const host = await openHost();
  let steps = 0;
  const other = await host.load({ definition: "3" });
  const placed: Promise<void>[] = [];
  const onAdvance = (): void => {
    steps += 1;
    if (steps === 1) placed.push(host.activate(other));
  };
  const standby = standbyFor(host, await host.load({ definition: "2", onAdvance }));
  await expect(standby.whenReady()).rejects.toMatchObject({ code: "PUSH_OUTDATED" });
  await Promise.all(placed);
  await standby.abandon();
  expect(await host.generations()).toEqual([
    ["1", "dropped"],
    ["2", "dropped"],
    ["3", "ready"],
  ]);
});

test("what is new, or the same, is not built beside", async () => {
  const host = await openHost();
  const standby = standbyFor(host, await host.load({ definition: "1" }));
  await standby.whenReady();
  expect(standby.progress()).toEqual([]);
  const first = new StandbyBuild(host.database, host.runtime, null, {
    name: "next",
    program: await host.load({ definition: "2" }),
  });
  await first.whenReady();
  expect(await host.generations()).toEqual([["1", "ready"]]);
});
