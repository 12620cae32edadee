/** Every documented function of `ctx` refuses arguments that it cannot take with a coded error, and has changed nothing then. */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { openApp } from "../setup/open-app.js";
import { fn } from "./references.js";

/** Any `ctx`, as JavaScript sees it. */
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

const schema = defineSchema({ users: defineTable({ name: v.string() }), posts: defineTable({ t: v.any() }) });

interface Subject {
  readonly ctx: Any;
  /** Of a document of `posts`, and of one of `users`. */
  readonly post: string;
  readonly user: string;
  readonly job: string;
}

type Case = readonly [name: string, code: string, call: (subject: Subject) => unknown];

const noop = fn<"mutation">("mod:noop");
const any = fn<"query">("mod:any");

const wrongTables: readonly Case[] = [
  ["get", "WRONG_TABLE", ({ ctx, user }) => ctx.db.get("posts", user)],
  ["table.get", "WRONG_TABLE", ({ ctx, user }) => ctx.db.table("posts").get(user)],
  ["patch", "WRONG_TABLE", ({ ctx, user }) => ctx.db.patch("posts", user, { t: 2 })],
  ["replace", "WRONG_TABLE", ({ ctx, user }) => ctx.db.replace("posts", user, { t: 2 })],
  ["delete", "WRONG_TABLE", ({ ctx, user }) => ctx.db.delete("posts", user)],
  ["system.get of a user's", "INVALID_CALL", ({ ctx, user }) => ctx.db.system.get(user)],
  ["system.get by table", "INVALID_CALL", ({ ctx, user }) => ctx.db.system.get("_storage", user)],
  ["system.get of another", "WRONG_TABLE", ({ ctx, job }) => ctx.db.system.get("_storage", job)],
  ["system.get of nonsense", "INVALID_ID", ({ ctx }) => ctx.db.system.get("nonsense")],
  ["get of a system's", "SYSTEM_TABLE", ({ ctx, job }) => ctx.db.get(job)],
  ["get of a system's by table", "SYSTEM_TABLE", ({ ctx, job }) => ctx.db.get("users", job)],
  ["patch of a system's", "SYSTEM_TABLE", ({ ctx, job }) => ctx.db.patch(job, {})],
  ["replace of a system's", "SYSTEM_TABLE", ({ ctx, job }) => ctx.db.replace(job, {})],
  ["delete of a system's", "SYSTEM_TABLE", ({ ctx, job }) => ctx.db.delete("_scheduled_functions", job)],
  ["system.query of a user's", "INVALID_CALL", ({ ctx }) => ctx.db.system.query("users").collect()],
  ["system.query of none", "INVALID_CALL", ({ ctx }) => ctx.db.system.query("_nothing").collect()],
  ["query of a system's", "INVALID_CALL", ({ ctx }) => ctx.db.query("_storage").collect()],
  ["query of none", "TABLE_NOT_IN_SCHEMA", ({ ctx }) => ctx.db.query("x".repeat(1e6)).collect()],
];

const notStrings: readonly unknown[] = [7, null, true, {}, [], () => "x", Symbol("x"), Object.create(null)];
const throwing = { toString: () => fail(), valueOf: () => fail(), [Symbol.toPrimitive]: () => fail() };
function fail(): never {
  throw new Error("an object of the caller was asked for its text");
}

const noNames: readonly Case[] = [...notStrings, throwing].flatMap((wrong): Case[] => [
  ["query", "INVALID_CALL", ({ ctx }) => ctx.db.query(wrong).collect()],
  ["normalizeId", "INVALID_CALL", ({ ctx, user }) => ctx.db.normalizeId(wrong, user)],
  ["get by table", "INVALID_CALL", ({ ctx, user }) => ctx.db.get(wrong, user)],
  ["get", "INVALID_CALL", ({ ctx }) => ctx.db.get(wrong)],
  ["insert", "INVALID_CALL", ({ ctx }) => ctx.db.insert(wrong, {})],
  ["patch", "INVALID_CALL", ({ ctx }) => ctx.db.patch(wrong, {})],
  ["patch by table", "INVALID_CALL", ({ ctx, post }) => ctx.db.patch(wrong, post, {})],
  ["replace", "INVALID_CALL", ({ ctx }) => ctx.db.replace(wrong, {})],
  ["delete", "INVALID_CALL", ({ ctx }) => ctx.db.delete(wrong)],
  ["withIndex", "INVALID_CALL", ({ ctx }) => ctx.db.query("users").withIndex(wrong).collect()],
  ["cancel", "JOB_NOT_FOUND", ({ ctx }) => ctx.scheduler.cancel(wrong)],
]);

const users = ({ ctx }: Subject): Any => ctx.db.query("users");
const queries: readonly Case[] = [
  ["no index", "INVALID_CALL", (subject) => users(subject).withIndex().collect()],
  ["an unknown index", "INDEX_NOT_FOUND", (subject) => users(subject).withIndex("nope").collect()],
  ["a range", "INVALID_CALL", (subject) => users(subject).withIndex("by_creation_time", 7).collect()],
  [
    "a range's result",
    "INVALID_CALL",
    (subject) =>
      users(subject)
        .withIndex("by_creation_time", () => 7)
        .collect(),
  ],
  [
    "a field of the range",
    "INVALID_INDEX_RANGE",
    (subject) =>
      users(subject)
        .withIndex("by_creation_time", (q: Any) => q.eq("name", 1))
        .collect(),
  ],
  [
    "a value of the range",
    "INVALID_VALUE",
    (subject) =>
      users(subject)
        .withIndex("by_creation_time", (q: Any) => q.eq("_creationTime", fail))
        .collect(),
  ],
  ["no filter", "INVALID_CALL", (subject) => users(subject).filter().collect()],
  ["a filter", "INVALID_CALL", (subject) => users(subject).filter(7).collect()],
  [
    "a filter's result",
    "INVALID_VALUE",
    (subject) =>
      users(subject)
        .filter(() => fail)
        .collect(),
  ],
  [
    "a filter's field",
    "INVALID_CALL",
    (subject) =>
      users(subject)
        .filter((q: Any) => q.field(7))
        .collect(),
  ],
  ["an order", "INVALID_CALL", (subject) => users(subject).order("x").collect()],
  ["a search", "FEATURE_NOT_SUPPORTED", (subject) => users(subject).withSearchIndex("s", fail).collect()],
  ...[-1, 0.5, NaN, Infinity, "x", null, {}, 2n].flatMap((wrong): Case[] => [
    ["take", "INVALID_CALL", (subject) => users(subject).take(wrong)],
    ["limit", "INVALID_CALL", (subject) => users(subject).limit(wrong).collect()],
  ]),
  ["no page", "INVALID_CALL", (subject) => users(subject).paginate()],
  ...[-1, 0, 0.5, NaN, "x", null, undefined].map((numItems): Case => {
    return [
      "a page's size",
      "INVALID_CALL",
      (subject) => users(subject).paginate({ numItems, cursor: null }),
    ];
  }),
];

const calls: readonly Case[] = [
  ["no function", "INVALID_CALL", ({ ctx }) => ctx.runQuery()],
  ["no reference", "INVALID_CALL", ({ ctx }) => ctx.runQuery({})],
  ["arguments", "INVALID_ARGUMENTS", ({ ctx }) => ctx.runQuery(any, 7)],
  ["the kind", "FUNCTION_WRONG_KIND", ({ ctx }) => ctx.runQuery(noop, {})],
  ["an unknown function", "FUNCTION_NOT_FOUND", ({ ctx }) => ctx.runQuery("x".repeat(1e6))],
  ["an unknown handle", "FUNCTION_NOT_FOUND", ({ ctx }) => ctx.runMutation("function://;mod:none", {})],
  [
    "an unknown component",
    "COMPONENT_MISSING",
    ({ ctx }) => ctx.runQuery(componentsGeneric()["x"]?.["y"]?.["z"]),
  ],
  ["options", "INVALID_CALL", ({ ctx }) => ctx.runQuery(any, {}, 7)],
  ["limits", "INVALID_CALL", ({ ctx }) => ctx.runQuery(any, {}, { transactionLimits: { bytesRead: -1 } })],
  ["no limits", "INVALID_CALL", ({ ctx }) => ctx.runQuery(any, {}, { transactionLimits: null })],
  ...[undefined, "x", -1, NaN, Infinity, 1e300, null, throwing, 1n].map((wrong): Case => {
    return ["a delay", "INVALID_SCHEDULED_TIME", ({ ctx }) => ctx.scheduler.runAfter(wrong, noop, {})];
  }),
  ...[undefined, "x", new Date(NaN), NaN, 1e300, null, throwing].map((wrong): Case => {
    return ["a time", "INVALID_SCHEDULED_TIME", ({ ctx }) => ctx.scheduler.runAt(wrong, noop, {})];
  }),
  ["nothing to schedule", "INVALID_CALL", ({ ctx }) => ctx.scheduler.runAfter(0)],
  ["a query to schedule", "FUNCTION_WRONG_KIND", ({ ctx }) => ctx.scheduler.runAfter(0, any, {})],
  [
    "an unknown function to schedule",
    "FUNCTION_NOT_FOUND",
    ({ ctx }) => ctx.scheduler.runAfter(0, "a:b", {}),
  ],
  ["arguments to schedule", "INVALID_ARGUMENTS", ({ ctx }) => ctx.scheduler.runAfter(0, noop, 7)],
  ["a job", "JOB_NOT_FOUND", ({ ctx, user }) => ctx.scheduler.cancel(user)],
  ["no job", "INVALID_CALL", ({ ctx }) => ctx.scheduler.cancel()],
  ["a token", "FEATURE_NOT_SUPPORTED", ({ ctx }) => ctx.auth.signJwt({})],
  ...["getUrl", "getMetadata", "generateUploadUrl", "delete", "get", "store"].map((method): Case => {
    return [`storage.${method}`, "FEATURE_NOT_SUPPORTED", ({ ctx }) => ctx.storage[method]("x")];
  }),
];

/** Values that Convex has none of, or none so large. */
function oddValues(): Readonly<Record<string, unknown>> {
  const cyclic: Record<string, unknown> = {};
  cyclic["itself"] = cyclic;
  let deepObject: unknown = 1;
  let deepArray: unknown = 1;
  for (let depth = 0; depth < 5000; depth++) [deepObject, deepArray] = [{ deepObject }, [deepArray]];
  return {
    ...{ cyclic, deepObject, deepArray },
    fields: Object.fromEntries(Array.from({ length: 1025 }, (_, at) => [`f${at}`, at])),
    items: Array.from({ length: 8193 }, () => 0),
    long: "x".repeat(17 << 20),
    halfAPair: "\ud800",
    halfAPairAsName: { "\ud800": 1 },
    notAscii: { é: 1 },
    dollar: { $a: 1 },
    longName: { ["x".repeat(1025)]: 1 },
    ...{ date: new Date(), map: new Map(), bytes: new Uint8Array(1), promise: Promise.resolve() },
    ...{ instance: new (class Point {})(), text: throwing, symbol: Symbol("x"), func: fail },
    ...{ largeInteger: 2n ** 63n, smallInteger: -(2n ** 63n) - 1n, hole: [undefined, 1] },
  };
}

const valueCodes = /^(?:INVALID_VALUE|INVALID_FIELD_NAME|DOCUMENT_TOO_LARGE|INVALID_ARGUMENTS)$/;

/** The codes of what the calls throw; the text of what is no coded error. */
async function codesOf(calls: readonly (() => unknown)[]): Promise<string[]> {
  const codes: string[] = [];
  for (const call of calls) {
    try {
      await call();
      codes.push("nothing was thrown");
    } catch (error) {
      codes.push(
        error instanceof Error && "code" in error ? String(error.code) : `not coded: ${String(error)}`,
      );
      if (error instanceof Error && error.message.length > 20_000) codes.push("a long message");
    }
  }
  return codes;
}

/** Runs the body in a mutation, and tells what the documents and jobs are like before and after. */
async function inMutation(body: (subject: Subject) => Promise<unknown>) {
  let seen: unknown;
  const everything = async (ctx: Any): Promise<unknown> => [
    await ctx.db.query("posts").collect(),
    await ctx.db.query("users").collect(),
    await ctx.db.system.query("_scheduled_functions").collect(),
  ];
  const mod = {
    noop: internalMutationGeneric({ args: {}, handler: () => null }),
    any: queryGeneric({ args: v.any(), handler: () => null }),
    run: internalMutationGeneric(async (ctx: Any) => {
      const user = await ctx.db.insert("users", { name: "Ann" });
      const post = await ctx.db.insert("posts", { t: 1 });
      const job = await ctx.scheduler.runAfter(1e8, noop, {});
      const before = await everything(ctx);
      await body({ ctx, user, post, job });
      seen = [before, await everything(ctx)];
    }),
  };
  const app = await openApp("memory", { modules: { mod, schema: { default: schema } }, runScheduled: false });
  const outcome = await app.run({ path: "mod:run", allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  const [before, after] = seen as [unknown, unknown];
  return { before, after };
}

test.each([
  ["ids and tables that do not belong together", wrongTables],
  ["names that are no texts", noNames],
  ["queries", queries],
  ["calls, jobs and files", calls],
])("%s get a coded error, and change nothing", async (_, cases) => {
  let codes: string[] = [];
  const { before, after } = await inMutation(async (subject) => {
    codes = await codesOf(
      cases.map(
        ([, , call]) =>
          () =>
            call(subject),
      ),
    );
  });
  expect(cases.map(([name], at) => [name, codes[at]])).toEqual(cases.map(([name, code]) => [name, code]));
  expect(codes).toHaveLength(cases.length);
  expect(after).toEqual(before);
});

test("what is no Convex value is refused wherever a value goes, and changes nothing", async () => {
  const found: string[] = [];
  const { before, after } = await inMutation(async ({ ctx, post }) => {
    for (const [name, odd] of Object.entries(oddValues())) {
      const codes = await codesOf([
        () => ctx.db.insert("posts", { t: odd }),
        () => ctx.db.patch(post, { t: odd }),
        () => ctx.db.replace(post, { t: odd }),
        () => ctx.runQuery(any, { odd: name === "items" ? [odd, odd] : odd }),
        () => ctx.scheduler.runAfter(1e7, noop, { odd }),
      ]);
      found.push(...codes.filter((code) => !valueCodes.test(code)).map((code) => `${name}: ${code}`));
    }
  });
  expect(found).toEqual([]);
  expect(after).toEqual(before);
});

test("what is no object of fields is no document", async () => {
  let codes: string[] = [];
  const wrong = [null, 7, "x", [], new Date(), new Map(), Promise.resolve(), fail];
  const { before, after } = await inMutation(async ({ ctx, post }) => {
    codes = await codesOf(
      wrong.flatMap((value) => [
        () => ctx.db.insert("posts", value),
        () => ctx.db.patch(post, value),
        () => ctx.db.replace(post, value),
      ]),
    );
  });
  expect(new Set(codes)).toEqual(new Set(["INVALID_VALUE"]));
  expect(after).toEqual(before);
});
