/**
 * Keeps transforms from whatever is not their document: clocks, randomness, the environment, the time zone and
 * default locale of the machine, files, processes, the network and timers. A transform is synchronous, so each of these
 * calls only has to ask whether one is running, however deep in other functions it is made and even through references that were
 * taken before. The wrappers are put in place once, before pushed code is imported. What a transform has touched is remembered
 * until it ends, so that it cannot hide it by catching the error.
 *
 * Modules can be imported shifted: they then see another clock and another environment than the process has. A constant that
 * a module computes from either then has another value, which the rehearsal notices.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import childProcess from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

/** How many transforms are running, one within another. */
let running = 0;
/** The first call out of reach that the running transform made. */
let touched: string | null = null;
/** How many shifted imports are under way. */
let shiftedImports = 0;
const shifted = new AsyncLocalStorage<true>();
let isInstalled = false;

/** A prime, so that it is no multiple of anything that clocks are rounded to. */
const shiftMs = 104_729_000_003;

/** Runs a transform. @returns its result or what it threw, and the first call out of reach that it made, if any */
export function runGuarded<T>(run: () => T): {
  readonly outcome: () => T;
  readonly touched: string | null;
} {
  const before = touched;
  touched = null;
  running++;
  try {
    const value = run();
    return { outcome: () => value, touched };
  } catch (error) {
    return {
      outcome: () => {
        throw error;
      },
      touched,
    };
  } finally {
    running--;
    touched = before;
  }
}

/** Throws while a transform runs. @param call The call as it stands in code: `Date.now()` */
export function assertNoTransform(call: string): void {
  if (running === 0) return;
  touched ??= call;
  throw new Error(`${call} is out of reach of a transform, which must be a function of its document alone.`);
}

/** Imports modules so that their top level sees another clock and another environment. */
export async function importShifted<T>(run: () => Promise<T>): Promise<T> {
  shiftedImports++;
  try {
    return await shifted.run(true, run);
  } finally {
    shiftedImports--;
  }
}

/** The value of an environment variable as modules see it that may be imported shifted. */
export function shiftedVariable(value: string | undefined): string | undefined {
  return isShifted() && value !== undefined ? `${value}0` : value;
}

function isShifted(): boolean {
  return shiftedImports > 0 && shifted.getStore() === true;
}

/** Puts the wrappers in place, once for the process. */
export function guardGlobals(): void {
  if (isInstalled) return;
  isInstalled = true;
  guardClocks();
  guardMethods();
  guardLocales();
  guardEnvironment();
  syncBuiltinESMExports();
}

function guardClocks(): void {
  const RealDate = Date;
  const { now, parse } = RealDate;
  const seenNow = (): number => (isShifted() ? now() + shiftMs : now());
  define(RealDate, "now", () => {
    if (running > 0) assertNoTransform("Date.now()");
    return shiftedImports > 0 ? seenNow() : now();
  });
  define(RealDate, "parse", (text: string) => {
    if (running > 0) assertUniversal(text, "Date.parse()");
    return parse(text);
  });
  function guarded(...args: [] | [number]): Date | string {
    if (new.target === undefined) {
      assertNoTransform("Date()");
      return RealDate();
    }
    if (running > 0) assertNoLocalTime(args);
    const given: [] | [number] = args.length === 0 && shiftedImports > 0 ? [seenNow()] : args;
    if (new.target !== (guarded as unknown)) return Reflect.construct(RealDate, given, new.target) as Date;
    return given.length === 0 ? new RealDate() : new RealDate(...given);
  }
  Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(RealDate));
  // The Date of a fake clock, which may be in place, has some methods of its own and inherits the others.
  Object.setPrototypeOf(guarded, RealDate);
  define(RealDate.prototype, "constructor", guarded);
  define(globalThis, "Date", guarded);
  const { random } = Math;
  define(Math, "random", () => {
    if (running > 0) assertNoTransform("Math.random()");
    return random();
  });
  const elapsed = performance.now.bind(performance);
  define(performance, "now", () => {
    if (running > 0) assertNoTransform("performance.now()");
    return elapsed();
  });
}

function assertNoLocalTime(args: readonly unknown[]): void {
  if (args.length === 0) assertNoTransform("new Date()");
  if (args.length > 1) assertNoTransform("new Date() of a local year and month (take Date.UTC)");
  if (typeof args[0] === "string") assertUniversal(args[0], "new Date()");
}

/** Refuses texts that are read in the time zone of the machine: those without a zone, or in a form of the engine's own. */
function assertUniversal(text: string, call: string): void {
  const isDate = /^[+-]?\d{4,6}(-\d\d){0,2}$/.test(text);
  if (isDate || /(Z|GMT|UTC|[+-]\d\d:?\d\d)$/i.test(text)) return;
  assertNoTransform(`${call} of a local time`);
}

function guardMethods(): void {
  guardAll(globalThis, "", [
    ..."clearImmediate clearInterval clearTimeout fetch queueMicrotask setImmediate setInterval setTimeout".split(
      " ",
    ),
    ..."BroadcastChannel EventSource MessageChannel WebSocket Worker".split(" "),
  ]);
  const { Temporal } = globalThis as { Temporal?: { Now: object } };
  if (Temporal !== undefined) guardAll(Temporal.Now, "Temporal.Now.", namesOf(Temporal.Now));
  guardAll(Object.getPrototypeOf(globalThis.crypto) as object, "crypto.", ["getRandomValues", "randomUUID"]);
  const ofProcess = "cpuUsage cwd hrtime memoryUsage nextTick resourceUsage uptime".split(" ");
  guardAll(process, "process.", ofProcess);
  guardAll(process.hrtime, "process.hrtime.", ["bigint"]);
  guardAll(
    crypto,
    "crypto.",
    namesOf(crypto).filter((name) => /random|^generate/i.test(name)),
  );
  guardAll(fs, "fs.", namesOf(fs).filter(isFunctionName));
  guardAll(childProcess, "child_process.", namesOf(childProcess).filter(isFunctionName));
  guardAll(os, "os.", namesOf(os));
}

function guardLocales(): void {
  const ofDate = namesOf(Date.prototype).filter((name) =>
    /^(get|set)(?!UTC|Time$)|^to(String|DateString|TimeString)$/.test(name),
  );
  guardAll(Date.prototype, "Date.prototype.", ofDate);
  const zoned = ([locale, options]: readonly unknown[]): boolean =>
    locale !== undefined && (options as { timeZone?: unknown } | undefined)?.timeZone !== undefined;
  const located = ([locale]: readonly unknown[]): boolean => locale !== undefined;
  guardAll(Date.prototype, "Date.prototype.", namesOf(Date.prototype).filter(isLocalized), zoned);
  for (const { name, prototype } of [Number, BigInt, Array, String]) {
    guardAll(prototype, `${name}.prototype.`, namesOf(prototype).filter(isLocalized), located);
  }
  guardAll(String.prototype, "String.prototype.", ["localeCompare"], (args) => args[1] !== undefined);
  const ofIntl = namesOf(Intl).filter(
    (name) => /^[A-Z]/.test(name) && !/^(Locale|DateTimeFormat)$/.test(name),
  );
  guardAll(Intl, "Intl.", ofIntl, located);
  guardAll(Intl, "Intl.", ["DateTimeFormat"], zoned);
}

function guardEnvironment(): void {
  const check = (key: string | symbol): void => {
    if (running > 0) assertNoTransform(`process.env.${String(key)}`);
  };
  process.env = new Proxy(process.env, {
    get: (target, key) => {
      check(key);
      const value = Reflect.get(target, key) as unknown;
      return shiftedImports > 0 && typeof value === "string" ? shiftedVariable(value) : value;
    },
    set: (target, key, value) => {
      check(key);
      return Reflect.set(target, key, value);
    },
    has: (target, key) => {
      check(key);
      return Reflect.has(target, key);
    },
    ownKeys: (target) => {
      check("*");
      return Reflect.ownKeys(target);
    },
  });
}

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === "function";
}

function isFunctionName(name: string): boolean {
  return /^[a-z]/.test(name);
}

function isLocalized(name: string): boolean {
  return name.startsWith("toLocale");
}

function namesOf(holder: object): string[] {
  return Object.getOwnPropertyNames(holder).filter((name) => {
    const { value } = Object.getOwnPropertyDescriptor(holder, name) ?? {};
    return typeof value === "function" && name !== "constructor";
  });
}

/** Wraps those of the functions that exist. @param isAllowed Whether a call with these arguments is harmless. */
function guardAll(
  holder: object,
  prefix: string,
  names: readonly string[],
  isAllowed: (args: readonly unknown[]) => boolean = () => false,
): void {
  for (const name of names) {
    const real: unknown = Reflect.get(holder, name);
    if (!isFunction(real)) continue;
    const check = (args: readonly unknown[]): void => {
      if (running > 0 && !isAllowed(args)) assertNoTransform(`${prefix}${name}()`);
    };
    define(holder, name, isFunctionName(name) ? guardedFunction(real, check) : guardedClass(real, check));
  }
}

type Check = (args: readonly unknown[]) => void;

function guardedFunction(real: (...args: never[]) => unknown, check: Check): unknown {
  function guarded(this: unknown, ...args: never[]): unknown {
    if (running > 0) check(args);
    return Reflect.apply(real, this, args);
  }
  return Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(real));
}

function guardedClass(real: (...args: never[]) => unknown, check: Check): unknown {
  return new Proxy(real, {
    apply: (target, self, args: never[]) => {
      check(args);
      return Reflect.apply(target, self, args);
    },
    construct: (target, args: never[], newTarget) => {
      check(args);
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
}

/** Like an assignment, where the property can be changed at all. */
function define(holder: object, name: string, value: unknown): void {
  const found = Object.getOwnPropertyDescriptor(holder, name);
  if (found !== undefined && !found.configurable) return;
  const enumerable = found?.enumerable ?? false;
  Object.defineProperty(holder, name, { value, enumerable, configurable: true, writable: true });
}
