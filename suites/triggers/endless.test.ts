/** Triggers that set each other off without end are stopped, however they run; long chains that end are not. */
import { describe, expect, test } from "vitest";
import { Triggers, type Change } from "trueup/triggers";
import type { DataModel } from "./app.js";
import { hosts } from "./hosts.js";

const newUser = { name: "Ann", score: 0 };
const tooDeep = {
  code: "TRIGGERS_TOO_DEEP",
  message: expect.stringContaining("set each other off") as string,
};

/** By its code where the database runs the triggers, by its data where `wrapDB` does. */
function codeAndMessage(error: unknown): unknown {
  const { code, message, data } = error as { code?: string; message: string; data?: object };
  return data ?? { code, message };
}

describe.each(hosts)("on $name", ({ open }) => {
  test("a trigger that writes its own document for ever", async () => {
    const triggers = new Triggers<DataModel>();
    triggers.register("users", async (ctx, { id, newDoc }) => {
      if (newDoc !== null) await ctx.db.patch("users", id, { score: newDoc.score + 1 });
    });
    const app = await open(triggers);
    const error: unknown = await app
      .mutate((ctx) => ctx.db.insert("users", newUser))
      .catch((e: unknown) => e);
    expect(codeAndMessage(error)).toMatchObject(tooDeep);
    expect(await app.count("users")).toBe(0);
  });

  test("a trigger that does so without waiting for its write", async () => {
    const triggers = new Triggers<DataModel>();
    triggers.register("users", (ctx, { id, newDoc }) => {
      if (newDoc !== null) ctx.db.patch("users", id, { score: newDoc.score + 1 }).catch(() => {});
      return Promise.resolve();
    });
    const app = await open(triggers);
    const error: unknown = await app
      .mutate((ctx) => ctx.db.insert("users", newUser))
      .catch((e: unknown) => e);
    expect(codeAndMessage(error)).toMatchObject(tooDeep);
  });

  test("two tables whose triggers write each other", async () => {
    const triggers = new Triggers<DataModel>();
    triggers.register("users", (ctx) => ctx.db.insert("notes", newUser).then(() => {}));
    triggers.register("notes", (ctx) => ctx.db.insert("users", newUser).then(() => {}));
    const app = await open(triggers);
    const error: unknown = await app
      .mutate((ctx) => ctx.db.insert("users", newUser))
      .catch((e: unknown) => e);
    expect(codeAndMessage(error)).toMatchObject(tooDeep);
    expect([await app.count("users"), await app.count("notes")]).toEqual([0, 0]);
  });

  test(
    "a trigger that writes twice each time, and goes on when it is refused",
    { timeout: 60_000 },
    async () => {
      const triggers = new Triggers<DataModel>();
      triggers.register("users", async (ctx, { id }) => {
        for (const score of [1, 2]) await ctx.db.patch("users", id, { score }).catch(() => {});
      });
      const app = await open(triggers);
      const error: unknown = await app
        .mutate((ctx) => ctx.db.insert("users", newUser))
        .catch((e: unknown) => e);
      expect(codeAndMessage(error)).toMatchObject(tooDeep);
      expect(await app.count("users")).toBe(0);
    },
  );

  test("a chain of 64 triggers is none of those", async () => {
    const seen: Change<DataModel, "users">[] = [];
    const triggers = new Triggers<DataModel>();
    triggers.register("users", async (ctx, change) => {
      seen.push(change);
      const score = change.newDoc?.score ?? 0;
      if (score > 1) await ctx.db.patch("users", change.id, { score: score - 1 });
    });
    const app = await open(triggers);
    await app.mutate((ctx) => ctx.db.insert("users", { name: "Ann", score: 64 }));
    expect(seen).toHaveLength(64);
    const longer = app.mutate((ctx) => ctx.db.insert("users", { name: "Ann", score: 65 }));
    await expect(longer).rejects.toThrow("set each other off");
  });

  test("neither are 5,000 writes of one trigger that set off triggers", { timeout: 60_000 }, async () => {
    const triggers = new Triggers<DataModel>();
    let noted = 0;
    triggers.register("users", async (ctx) => {
      for (let score = 0; score < 5_000; score++) await ctx.db.insert("notes", { name: "", score });
    });
    triggers.register("notes", () => {
      noted++;
      return Promise.resolve();
    });
    const app = await open(triggers);
    await app.mutate((ctx) => ctx.db.insert("users", newUser));
    expect(noted).toBe(5_000);
  });
});
