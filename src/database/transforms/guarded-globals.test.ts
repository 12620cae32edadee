/** What a transform reaches for beside its document is refused by the name of the call, wherever the call is made. */
import crypto, { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import os, { hostname } from "node:os";
import { beforeAll, describe, expect, test } from "vitest";
import { mutate, openDatabase, readAll, fullScan } from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import { importShifted } from "./guarded-globals.js";

let database: Database;

beforeAll(async () => {
  database = await openDatabase();
  await mutate(database, async (tx) => await tx.component("").insert("t", { at: 86_400_000, n: 1, s: "a" }));
});

/** How the rehearsal of a transform that computes this ends. */
async function rehearsed(compute: (at: number) => unknown): Promise<unknown> {
  const rehearsal = await database.rehearse({
    componentPath: "",
    tableName: "t",
    through: [
      {
        name: "t",
        run: (document) => {
          const made = compute(Number(document["at"]));
          return { ...document, made: typeof made === "number" || typeof made === "string" ? made : 0 };
        },
      },
    ],
  });
  const [failure] = rehearsal.failures;
  return failure === undefined ? "fine" : `${failure.kind}: ${failure.message}`;
}

const nested = { deep: (): number => [1].map(() => Date.now())[0] ?? 0 };

const refused: Readonly<Record<string, (at: number) => unknown>> = {
  "Date.now()": () => Date.now(),
  "Date.now() ": nested.deep,
  "Date.now()  ": () => Math.floor(Date.now() / 60_000) * 60_000,
  "new Date()": () => new Date().getTime(),
  "Date()": () => Date(),
  "new Date() of a local time": () => new Date("2020-01-01T00:00").getTime(),
  "new Date() of a local year and month (take Date.UTC)": () => new Date(2020, 1).getTime(),
  "Date.prototype.getHours()": (at) => new Date(at).getHours(),
  "Date.prototype.toLocaleDateString()": (at) => new Date(at).toLocaleDateString("en"),
  "Number.prototype.toLocaleString()": (at) => at.toLocaleString(),
  "String.prototype.localeCompare()": () => "a".localeCompare("b"),
  "Intl.NumberFormat()": (at) => new Intl.NumberFormat().format(at),
  "performance.now()": () => performance.now(),
  "process.hrtime.bigint()": () => Number(process.hrtime.bigint()),
  "process.uptime()": () => process.uptime(),
  "Math.random()": () => Math.random(),
  "crypto.randomUUID()": () => randomUUID(),
  "crypto.randomUUID() ": () => globalThis.crypto.randomUUID(),
  "crypto.randomBytes()": () => crypto.randomBytes(1)[0],
  "process.env.HOME": () => process.env["HOME"],
  "process.env.*": () => Object.keys(process.env).length,
  "fs.existsSync()": () => (existsSync("/") ? 1 : 0),
  "os.hostname()": () => hostname(),
  "os.freemem()": () => os.freemem(),
  "setTimeout()": () => setTimeout(() => {}, 0),
  "queueMicrotask()": () => queueMicrotask(() => {}),
  "fetch()": () => void fetch("http://localhost:1"),
  "WebSocket()": () =>
    Reflect.get(globalThis, "WebSocket") !== undefined && Reflect.construct(WebSocket, ["ws://localhost:1"]),
};

describe("out of reach", () => {
  for (const [call, compute] of Object.entries(refused)) {
    if (call === "WebSocket()" && Reflect.get(globalThis, "WebSocket") === undefined) continue;
    test(call, async () => {
      expect(await rehearsed(compute)).toContain(`impure: It reached for ${call.trim()}`);
    });
  }
});

test("catching the error hides nothing", async () => {
  const caught = (): number => {
    try {
      return Math.random();
    } catch {
      return 0;
    }
  };
  expect(await rehearsed(caught)).toContain("impure: It reached for Math.random()");
});

test("what depends on the document alone is within reach", async () => {
  const made = (at: number): string => {
    const date = new Date(at);
    return [
      date.toISOString(),
      date.getUTCHours(),
      Date.UTC(2020, 1),
      Date.parse("2020-01-01"),
      new Date("2020-01-01T00:00:00Z").getTime(),
      "b".localeCompare("a", "en"),
      new Intl.NumberFormat("en").format(at),
      date.toLocaleDateString("en", { timeZone: "UTC" }),
      structuredClone(date) instanceof Date,
      new URL("http://a/b").pathname,
    ].join();
  };
  expect(await rehearsed(made)).toBe("fine");
});

test("in force, a document is refused by its name rather than answered by the clock", async () => {
  const living = await openDatabase();
  living.setTransforms(() => (document) => ({ ...document, at: Date.now() }));
  await living.mutate(async (tx) => {
    await tx.component("").insert("t", {});
    tx.beginTransform("", "t", { name: "clock", origin: "", hasDown: false });
  });
  await expect(readAll(living, fullScan("t"))).rejects.toMatchObject({
    code: "TRANSFORM_FAILED",
    details: { kind: "impure", transform: "clock" },
  });
});

test("nothing is out of reach of anyone else", async () => {
  class Later extends Date {}
  expect(new Later().getFullYear()).toBeGreaterThan(2000);
  expect(new Date() instanceof Date).toBe(true);
  expect(new Date(0).constructor).toBe(Date);
  expect(Date()).toMatch(/\d{4}/);
  expect(Math.abs(Date.now() - new Date().getTime())).toBeLessThan(10_000);
  expect(typeof setTimeout.__promisify__ === "function" || setTimeout.name === "setTimeout").toBe(true);
  expect(process.hrtime.bigint()).toBeGreaterThan(0n);
  expect(randomUUID()).toHaveLength(36);
});

test("a shifted import sees another clock and another environment, and outside of it they are not", async () => {
  process.env["OUT_OF_REACH_TEST"] = "a";
  const seen = await importShifted(async () => {
    await Promise.resolve();
    return { now: Date.now(), date: new Date().getTime(), value: process.env["OUT_OF_REACH_TEST"] };
  });
  expect(seen.now - Date.now()).toBeGreaterThan(1e11);
  expect(seen.date - Date.now()).toBeGreaterThan(1e11);
  expect([seen.value, process.env["OUT_OF_REACH_TEST"]]).toEqual(["a0", "a"]);
  delete process.env["OUT_OF_REACH_TEST"];
});
