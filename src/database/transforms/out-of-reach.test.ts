/** Which calls are out of reach of a transform and which are not, one by one, asked of the guard itself. */
import childProcess from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import { describe, expect, test } from "vitest";
import {
  assertNoTransform,
  guardGlobals,
  importShifted,
  runGuarded,
  shiftedVariable,
} from "./guarded-globals.js";

guardGlobals();

/** What a transform that does this reaches for; null when for nothing. */
function reachedFor(run: () => unknown): string | null {
  return runGuarded(run).touched;
}

/** A call of a method by its name, without arguments. */
const call = (holder: object, name: string) => (): unknown =>
  Reflect.apply(Reflect.get(holder, name) as () => unknown, holder, []);

function functionsOf(holder: object): string[] {
  return Object.getOwnPropertyNames(holder).filter((name) => {
    const value: unknown = Object.getOwnPropertyDescriptor(holder, name)?.value;
    return typeof value === "function" && name !== "constructor";
  });
}

const isLower = (name: string): boolean => name.charAt(0) === name.charAt(0).toLowerCase() && name[0] !== "_";

describe("whole modules", () => {
  test.each([
    ["fs", fs],
    ["child_process", childProcess],
    ["os", os],
  ] as const)("every function of %s is out of reach by its name", (prefix, module) => {
    const names = functionsOf(module).filter(isLower);
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) expect(reachedFor(call(module, name))).toBe(`${prefix}.${name}()`);
  });

  test("of crypto, what makes random things; what computes from its arguments is within reach", () => {
    for (const name of ["randomBytes", "randomUUID", "randomInt", "randomFillSync", "getRandomValues"]) {
      expect(reachedFor(call(crypto, name))).toBe(`crypto.${name}()`);
    }
    for (const name of ["generateKeyPairSync", "generateKeySync", "generatePrimeSync"]) {
      expect(reachedFor(call(crypto, name))).toBe(`crypto.${name}()`);
    }
    expect(reachedFor(() => crypto.createHash("sha256").update("a").digest("hex"))).toBeNull();
    expect(reachedFor(() => globalThis.crypto.getRandomValues(new Uint8Array(1)))).toBe(
      "crypto.getRandomValues()",
    );
  });

  test("classes of fs and child_process may be named, as in a check of what something is", () => {
    expect(reachedFor(() => ({}) instanceof fs.Stats)).toBeNull();
    expect(reachedFor(() => ({}) instanceof childProcess.ChildProcess)).toBeNull();
  });
});

describe("globals", () => {
  test.each(
    "clearImmediate clearInterval clearTimeout fetch queueMicrotask setImmediate setInterval setTimeout".split(
      " ",
    ),
  )("%s()", (name) => {
    expect(reachedFor(call(globalThis, name))).toBe(`${name}()`);
  });

  test.each("BroadcastChannel MessageChannel".split(" "))("%s, called or made", (name) => {
    const Channel = Reflect.get(globalThis, name) as new (name: string) => object;
    expect(reachedFor(() => new Channel("a"))).toBe(`${name}()`);
    expect(reachedFor(call(globalThis, name))).toBe(`${name}()`);
  });

  test.each("cpuUsage cwd hrtime memoryUsage resourceUsage uptime".split(" "))("process.%s()", (name) => {
    expect(reachedFor(call(process, name))).toBe(`process.${name}()`);
  });

  test("what was asked of the process before is answered outside of transforms", () => {
    expect(process.cwd()).toContain("/");
    expect(process.hrtime.bigint()).toBeGreaterThan(0n);
    expect(reachedFor(() => process.hrtime.bigint())).toBe("process.hrtime.bigint()");
    expect(process.hrtime()).toHaveLength(2);
    expect(performance.now()).toBeGreaterThan(0);
    expect(reachedFor(() => performance.now())).toBe("performance.now()");
    expect(Math.random()).toBeLessThan(1);
    expect(reachedFor(() => Math.random())).toBe("Math.random()");
  });

  test("the environment is out of reach: to read, to ask, to change, to list", () => {
    expect(reachedFor(() => process.env["HOME"])).toBe("process.env.HOME");
    expect(reachedFor(() => "HOME" in process.env)).toBe("process.env.HOME");
    expect(reachedFor(() => Object.keys(process.env))).toBe("process.env.*");
    expect(reachedFor(() => (process.env["OUT_OF_REACH"] = "1"))).toBe("process.env.OUT_OF_REACH");
    expect("OUT_OF_REACH" in process.env).toBe(false);
    process.env["OUT_OF_REACH"] = "1";
    expect([process.env["OUT_OF_REACH"], "OUT_OF_REACH" in process.env]).toEqual(["1", true]);
    expect(Object.keys(process.env)).toContain("OUT_OF_REACH");
    delete process.env["OUT_OF_REACH"];
  });
});

describe("dates", () => {
  test("the clock", () => {
    expect(reachedFor(() => Date.now())).toBe("Date.now()");
    expect(reachedFor(() => Date())).toBe("Date()");
    expect(reachedFor(() => new Date())).toBe("new Date()");
    expect(reachedFor(() => new Date(0))).toBeNull();
    expect(reachedFor(() => new Date(new Date(0)))).toBeNull();
    expect(Date()).toMatch(/GMT/);
  });

  test.each([
    "2020",
    "2020-01",
    "2020-01-01",
    "+002020-01-01",
    "2020-01-01T00:00Z",
    "2020-01-01T00:00z",
    "2020-01-01T00:00+01:00",
    "2020-01-01T00:00-0100",
    "1 Jan 2020 00:00 GMT",
    "1 Jan 2020 00:00 UTC",
  ])("a text that says its zone, or is a date alone, is within reach: %s", (text) => {
    expect(reachedFor(() => new Date(text))).toBeNull();
    expect(reachedFor(() => Date.parse(text))).toBeNull();
    expect(runGuarded(() => Date.parse(text)).outcome()).toBe(Date.parse(text));
  });

  test.each([
    "2020-01-01T00:00",
    "2020-1-1",
    "1 Jan 2020",
    "x2020-01-01",
    "2020-01-01-01",
    "2020-01-01Z 00:00",
    "20-01-01",
    "20200101",
  ])("any other text is read in the zone of the machine: %s", (text) => {
    expect(reachedFor(() => new Date(text))).toBe("new Date() of a local time");
    expect(reachedFor(() => Date.parse(text))).toBe("Date.parse() of a local time");
  });

  test("numbers of a local year and month are out of reach, of a universal one not", () => {
    expect(reachedFor(() => new Date(2020, 1))).toContain("take Date.UTC");
    expect(reachedFor(() => new Date(Date.UTC(2020, 1)))).toBeNull();
    expect(new Date(2020, 1, 3).getDate()).toBe(3);
  });

  const ofDate = functionsOf(Date.prototype);
  const isUniversal = (name: string): boolean =>
    /UTC/.test(name) ||
    ["getTime", "setTime", "toISOString", "toGMTString", "toJSON", "valueOf"].includes(name);

  test("methods that depend on the zone or the locale of the machine are out of reach, others not", () => {
    expect(ofDate.filter(isUniversal).length).toBeGreaterThan(15);
    expect(ofDate.length).toBeGreaterThan(40);
    for (const name of ofDate) {
      const reached = reachedFor(call(new Date(0), name));
      expect([name, reached]).toEqual([name, isUniversal(name) ? null : `Date.prototype.${name}()`]);
    }
  });

  test("with a locale and a zone, a date is written alike everywhere", () => {
    const date = new Date(0);
    for (const write of [
      (locale?: string, options?: object) => date.toLocaleDateString(locale, options),
      (locale?: string, options?: object) => date.toLocaleTimeString(locale, options),
      (locale?: string, options?: object) => date.toLocaleString(locale, options),
      (locale?: string, options?: object) => Intl.DateTimeFormat(locale, options).format(date),
      (locale?: string, options?: object) => new Intl.DateTimeFormat(locale, options).format(date),
    ]) {
      expect(reachedFor(() => write("en", { timeZone: "UTC" }))).toBeNull();
      expect(reachedFor(() => write("en"))).toMatch(/^(Date\.prototype\.toLocale|Intl\.DateTimeFormat)/);
      expect(reachedFor(() => write("en", {}))).not.toBeNull();
      expect(reachedFor(() => write(undefined, { timeZone: "UTC" }))).not.toBeNull();
    }
  });
});

describe("locales", () => {
  test("numbers, big numbers, arrays and texts are written in a locale that is named, or not at all", () => {
    const writers: readonly (readonly [string, (locale?: string) => unknown])[] = [
      ["Number.prototype.toLocaleString()", (locale) => (1.5).toLocaleString(locale)],
      ["BigInt.prototype.toLocaleString()", (locale) => 5n.toLocaleString(locale)],
      ["Array.prototype.toLocaleString()", (locale) => ["a"].toLocaleString(locale as string)],
      ["String.prototype.toLocaleUpperCase()", (locale) => "a".toLocaleUpperCase(locale)],
      ["String.prototype.toLocaleLowerCase()", (locale) => "a".toLocaleLowerCase(locale)],
      ["String.prototype.localeCompare()", (locale) => "a".localeCompare("b", locale)],
      ["Intl.NumberFormat()", (locale) => new Intl.NumberFormat(locale)],
      ["Intl.NumberFormat()", (locale) => Intl.NumberFormat(locale)],
      ["Intl.Collator()", (locale) => new Intl.Collator(locale)],
      ["Intl.PluralRules()", (locale) => new Intl.PluralRules(locale)],
    ];
    for (const [name, write] of writers) {
      expect(reachedFor(() => write())).toBe(name);
      expect(reachedFor(() => write("en"))).toBeNull();
    }
    expect(reachedFor(() => new Intl.Locale("en"))).toBeNull();
    expect(reachedFor(() => Intl.getCanonicalLocales("en"))).toBeNull();
    expect(runGuarded(() => new Intl.NumberFormat("en") instanceof Intl.NumberFormat).outcome()).toBe(true);
  });
});

describe("what is put in place of the calls", () => {
  test("has their names, and is them to everyone else", () => {
    expect([fs.existsSync.name, fs.readFileSync.name, Date.name, Date.length]).toEqual([
      "existsSync",
      "readFileSync",
      "Date",
      7,
    ]);
    expect(fs.existsSync("/")).toBe(true);
    expect(new Date(5).constructor).toBe(Date);
    class Later extends Date {}
    expect(new Later(5)).toBeInstanceOf(Later);
    expect(new Later(5).getTime()).toBe(5);
    expect(Object.getOwnPropertyDescriptor(Date, "now")?.enumerable).toBe(false);
    expect(Object.keys(fs)).toContain("existsSync");
  });

  test("is put there once", () => {
    const { now } = Date;
    guardGlobals();
    expect(Date.now).toBe(now);
  });
});

describe("a guarded run", () => {
  test("gives what it made, or throws what it threw, and tells the first of what was touched", () => {
    expect(runGuarded(() => 5).outcome()).toBe(5);
    const thrown = runGuarded(() => {
      throw new Error("its own");
    });
    expect(thrown.outcome).toThrow("its own");
    expect(thrown.touched).toBeNull();
    const hidden = runGuarded(() => {
      for (const reach of [() => Math.random(), () => Date.now()]) {
        try {
          reach();
        } catch {
          // A transform may do so, too.
        }
      }
      return 1;
    });
    expect([hidden.touched, hidden.outcome()]).toEqual(["Math.random()", 1]);
    expect(runGuarded(() => Math.random()).outcome).toThrow("Math.random() is out of reach");
  });

  test("within another one leaves what that one has touched alone", () => {
    const outer = runGuarded(() => {
      const inner = runGuarded(() => Math.random());
      expect(() => assertNoTransform("after it")).toThrow("after it is out of reach");
      return inner.touched;
    });
    expect([outer.touched, outer.outcome()]).toEqual(["after it", "Math.random()"]);
    expect(() => assertNoTransform("outside")).not.toThrow();
    expect(runGuarded(() => 1).touched).toBeNull();
  });
});

describe("a shifted import", () => {
  test("has another clock and environment for what it runs, and nobody else has meanwhile", async () => {
    process.env["SHIFTED_TEST"] = "a";
    let enter = (): void => {};
    const entered = new Promise<void>((resolve) => (enter = resolve));
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => (leave = resolve));
    const importing = importShifted(async () => {
      enter();
      await left;
      return [
        Date.now(),
        new Date().getTime(),
        process.env["SHIFTED_TEST"],
        shiftedVariable("v"),
        new Date(5).getTime(),
      ];
    });
    await entered;
    const began = Date.now();
    expect([new Date().getTime() - began < 1000, process.env["SHIFTED_TEST"], shiftedVariable("v")]).toEqual([
      true,
      "a",
      "v",
    ]);
    leave();
    const [now, date, ...others] = (await importing) as [number, number, string, string, number];
    for (const shifted of [now, date]) {
      expect(Math.abs(shifted - 104_729_000_003 - began)).toBeLessThan(60_000);
    }
    expect(others).toEqual(["a0", "v0", 5]);
    delete process.env["SHIFTED_TEST"];
  });

  test("leaves what is no text as it is", async () => {
    await importShifted(async () => {
      expect(shiftedVariable(undefined)).toBeUndefined();
      expect(process.env["NEVER_SET_BY_ANYONE"]).toBeUndefined();
    });
  });

  test("is over when it fails, and another one goes on", async () => {
    const outer = importShifted(async () => {
      await importShifted(() => Promise.reject(new Error("no module"))).catch(() => {});
      return shiftedVariable("v");
    });
    expect(await outer).toBe("v0");
    expect(shiftedVariable("v")).toBe("v");
    await expect(importShifted(() => Promise.reject(new Error("no module")))).rejects.toThrow("no module");
    expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeLessThan(60_000_000);
  });
});
