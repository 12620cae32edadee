/** Pausing, resuming, tuning and throttling a migration while it runs, and what it waits for before it runs. */
import { expect, test, vi } from "vitest";
import { component, functionNamed, openApp, trueup, type App } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

function app(batchSize?: number, maxDocumentsPerSecond?: number): App {
  return openApp(trueup, (migrations) => ({
    first: migrations.define({
      table: "users",
      batchSize,
      maxDocumentsPerSecond,
      migrateOne: (_ctx, user) => ({ times: (user.times ?? 0) + 1 }),
    }),
    second: migrations.define({
      table: "users",
      requires: [functionNamed("first"), "migrations:third"],
      migrateOne: () => ({ plan: "second" }),
    }),
    third: migrations.define({ table: "users", migrateOne: () => ({ score: 3 }) }),
    run: migrations.runner(),
  }));
}

/** Lets scheduled functions run for so much time, in steps of 100 ms. */
async function live(one: App, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds * 10; passed++) {
    vi.advanceTimersByTime(100);
    await one.t.finishInProgressScheduledFunctions();
  }
}

test("a paused migration stays paused though it is started again, until it is resumed", async () => {
  const one = app(2);
  await one.insert(7);
  await one.call("first", { next: ["migrations:third"] });
  const paused = await one.mutate((ctx) => one.migrations.pause(ctx, functionNamed("first")));
  expect(paused).toMatchObject({ state: "paused", processed: 2 });
  await one.finish();
  const output = await one.call("first");
  expect(output).toMatchObject({ Status: expect.stringContaining("paused"), toResume: expect.anything() });
  await one.finish();
  expect((await one.status("first")).processed).toBe(2);

  const resumed = await one.mutate((ctx) => one.migrations.resume(ctx, "migrations:first"));
  expect(resumed.state).toBe("inProgress");
  await one.finish();
  expect((await one.users()).map(({ times, score }) => [times, score])).toEqual(Array(7).fill([1, 3]));
  const runs = await one.mutate((ctx) => one.migrations.getHistory(ctx, "migrations:first"));
  expect(runs.map(({ outcome, processed }) => [outcome, processed])).toEqual([
    ["done", 5],
    ["paused", 2],
  ]);
});

test("resuming what is done, running or never started changes nothing", async () => {
  const one = app(2);
  await one.insert(5);
  await one.call("first");
  const resume = (): Promise<unknown> => one.mutate((ctx) => one.migrations.resume(ctx, "migrations:first"));
  expect(await resume()).toMatchObject({ state: "inProgress", processed: 2 });
  await one.finish();
  expect(await resume()).toMatchObject({ state: "success", processed: 5 });
  expect(await one.mutate((ctx) => one.migrations.pause(ctx, "migrations:first"))).toMatchObject({
    state: "success",
  });
  const unknown = one.mutate((ctx) => one.migrations.resume(ctx, "migrations:third"));
  await expect(unknown).rejects.toMatchObject({ data: { code: "MIGRATION_NOT_FOUND" } });
  expect((await one.users()).map(({ times }) => times)).toEqual(Array(5).fill(1));
});

test("`reset` begins a paused migration again", async () => {
  const one = app(2);
  await one.insert(3);
  await one.call("first");
  await one.mutate((ctx) => one.migrations.pause(ctx, "migrations:first"));
  await one.call("first", { reset: true });
  await one.finish();
  expect((await one.users()).map(({ times }) => times)).toEqual([2, 2, 1]);
});

test("a migration does not exceed its rate", async () => {
  for (const [definition, call] of [
    [20, undefined],
    [undefined, 20],
    [500, 20],
  ]) {
    const one = app(undefined, definition);
    await one.insert(100);
    await one.call("first", call === undefined ? {} : { maxDocumentsPerSecond: call });
    expect(await one.status("first")).toMatchObject({ processed: 20, maxDocumentsPerSecond: 20 });
    await live(one, 2.5);
    expect((await one.status("first")).processed).toBe(60);
    await live(one, 3);
    expect(await one.status("first")).toMatchObject({ processed: 100, isDone: true });
  }
});

test("rate, batch size and the treatment of errors can be changed while it runs", async () => {
  const one = app(undefined, 1);
  await one.insert(60);
  await one.call("first");
  await live(one, 3);
  expect((await one.status("first")).processed).toBe(4);
  const tune = (tuning: Parameters<typeof one.migrations.tune>[2]): Promise<unknown> =>
    one.mutate((ctx) => one.migrations.tune(ctx, "migrations:first", tuning));
  expect(await tune({ maxDocumentsPerSecond: 10, onError: "quarantine" })).toMatchObject({
    maxDocumentsPerSecond: 10,
    onError: "quarantine",
  });
  await live(one, 3);
  expect((await one.status("first")).processed).toBeGreaterThanOrEqual(30);
  expect((await one.status("first")).processed).toBeLessThanOrEqual(45);
  expect(await tune({ maxDocumentsPerSecond: null, batchSize: 3 })).toMatchObject({
    maxDocumentsPerSecond: 1,
    batchSize: 3,
  });
  await expect(tune({ batchSize: 0 })).rejects.toThrow("greater than 0");
  await tune({ maxDocumentsPerSecond: 1_000 });
  await live(one, 2);
  expect(await one.status("first")).toMatchObject({ processed: 60, isDone: true });
  expect((await one.users()).map(({ times }) => times)).toEqual(Array(60).fill(1));
});

test("a migration waits for those it requires", async () => {
  const one = app();
  await one.insert(3);
  await one.call("third");
  const refused = await one.call("second");
  expect(refused["Status"]).toContain("requires migrations:first");
  expect((await one.status("second")).state).toBe("failed");
  expect((await one.users()).every(({ plan }) => plan === undefined)).toBe(true);
  const byHand = one.call("second", { oneBatchOnly: true, cursor: null });
  await expect(byHand).rejects.toMatchObject({
    data: { code: "MIGRATION_REQUIRES", missing: ["migrations:first"] },
  });
  await one.call("first");
  await one.call("second");
  expect((await one.status("second")).state).toBe("success");
});

test("isComplete is true when all are done", async () => {
  const one = app(2);
  await one.insert(3);
  const complete = (...names: string[]): Promise<boolean> =>
    one.mutate((ctx) => one.migrations.isComplete(ctx, names.map(functionNamed)));
  await one.call("third");
  await one.call("first");
  expect(await complete("third")).toBe(true);
  expect(await complete("third", "first")).toBe(false);
  expect(await complete("second")).toBe(false);
  await one.finish();
  expect(await complete("third", "first")).toBe(true);
});

test("people steer through the component's own functions", async () => {
  const one = app(2);
  await one.insert(4);
  await one.call("first");
  await one.mutate((ctx) => ctx.runMutation(component.lib.pause, { name: "migrations:first" }));
  expect((await one.status("first")).state).toBe("paused");
  await one.mutate((ctx) => ctx.runMutation(component.lib.tune, { name: "migrations:first", batchSize: 1 }));
  await one.mutate((ctx) => ctx.runMutation(component.lib.resume, { name: "migrations:first" }));
  await one.finish();
  expect((await one.status("first")).state).toBe("success");
});
