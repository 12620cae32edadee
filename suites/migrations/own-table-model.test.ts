/**
 * Compares random migrations that insert, change and delete documents of their own table with a model, which is a loop over
 * a list that may grow. Whatever the size of the batches, each document is met once, in the order of creation and as it is
 * then.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hosts, openApp, trueup, type App, type Ctx, type User } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

/** What the migration does at a document's turn. `to` picks one of the documents that there are. */
type Step =
  | { do: "insert"; script: Step[] }
  | { do: "patch"; to: number }
  | { do: "delete"; to: number }
  | { do: "return" }
  | { do: "throw" };
/** The documents that there are at the beginning. */
type Program = readonly Step[][];

const { script } = fc.letrec<{ script: Step[]; step: Step }>((tie) => ({
  script: fc.array(tie("step"), { maxLength: 3, depthIdentifier: "script" }),
  step: fc.oneof(
    { depthSize: "small", depthIdentifier: "script", maxDepth: 3 },
    fc.record({ do: fc.constant("patch"), to: fc.nat(20) }),
    fc.record({ do: fc.constant("delete"), to: fc.nat(20) }),
    fc.record({ do: fc.constant("return") }),
    fc.record({ do: fc.constant("throw") }),
    fc.record({ do: fc.constant("insert"), script: tie("script") }),
  ),
}));
const program: fc.Arbitrary<Program> = fc.array(script, { minLength: 1, maxLength: 8 });

interface Row {
  readonly script: readonly Step[];
  readonly times: number;
}
/** A document met: which of those ever created, and how often it had been changed before. */
type Visit = readonly [created: number, times: number];

interface Outcome {
  readonly visits: readonly Visit[];
  /** How often each document that is left was changed, in the order of creation. */
  readonly left: readonly number[];
  readonly failed: number;
}

function model(documents: Program): Outcome {
  const rows: (Row | null)[] = documents.map((each) => ({ script: each, times: 0 }));
  const visits: Visit[] = [];
  let failed = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row === null || row === undefined) continue;
    const change = (at: number): void => {
      const now = rows[at];
      if (now !== null && now !== undefined) rows[at] = { ...now, times: now.times + 1 };
    };
    const there = (to: number): number => {
      const alive = rows.flatMap((each, at) => (each === null ? [] : [at]));
      return alive[to % alive.length] ?? -1;
    };
    if (row.script.some((step) => step.do === "throw")) {
      failed++;
      continue;
    }
    visits.push([i, row.times]);
    for (const step of row.script) {
      if (step.do === "insert") rows.push({ script: step.script, times: 0 });
      else if (step.do === "patch") change(there(step.to));
      else if (step.do === "delete" && there(step.to) !== i) rows[there(step.to)] = null;
    }
    if (row.script.some((step) => step.do === "return")) rows[i] = { ...row, times: row.times + 100 };
  }
  return { visits, left: rows.flatMap((row) => (row === null ? [] : [row.times])), failed };
}

type Options = Record<string, unknown>;

/** Runs the program as a migration; ids become the numbers of their documents in the order of creation. */
async function run(
  convexTest: (typeof hosts)[number]["convexTest"],
  documents: Program,
  options: Options,
): Promise<Outcome> {
  const visits: { id: string; times: number }[] = [];
  const created: string[] = [];
  const app: App = openApp(
    trueup,
    (migrations) => ({
      go: migrations.define({
        table: "users",
        onError: "quarantine",
        migrateOne: (ctx, user) => migrate(ctx, user),
        ...options,
      }),
    }),
    { convexTest },
  );
  const migrate = async (ctx: Ctx, user: User): Promise<{ times: number } | undefined> => {
    const steps = JSON.parse(user.payload ?? "[]") as Step[];
    await ctx.db.insert("notes", { text: JSON.stringify({ id: user._id, times: user.times ?? 0 }) });
    for (const step of steps) {
      const alive = await ctx.db.query("users").collect();
      const other = "to" in step ? alive[step.to % alive.length] : undefined;
      if (step.do === "insert") await insert(ctx, step.script);
      else if (step.do === "patch" && other) await ctx.db.patch(other._id, { times: (other.times ?? 0) + 1 });
      else if (step.do === "delete" && other && other._id !== user._id) await ctx.db.delete(other._id);
    }
    if (steps.some((step) => step.do === "throw")) throw new Error("thrown");
    return steps.some((step) => step.do === "return") ? { times: (user.times ?? 0) + 100 } : undefined;
  };
  const insert = async (ctx: Ctx, steps: readonly Step[]): Promise<void> => {
    const id = await ctx.db.insert("users", { name: "user", times: 0, payload: JSON.stringify(steps) });
    await ctx.db.insert("notes", { text: JSON.stringify({ inserted: id }) });
  };
  await app.mutate(async (ctx) => {
    for (const steps of documents) await insert(ctx, steps);
  });
  await app.call("go");
  await app.finish();
  for (const { text } of await app.mutate((ctx) => ctx.db.query("notes").collect())) {
    const { inserted, ...visit } = JSON.parse(text) as { inserted?: string; id: string; times: number };
    if (inserted === undefined) visits.push(visit);
    else created.push(inserted);
  }
  const status = await app.status("go");
  expect(status.state).toBe("success");
  return {
    visits: visits.map(({ id, times }): Visit => [created.indexOf(id), times]),
    left: (await app.users()).map(({ times = 0 }) => times),
    failed: status.failed ?? 0,
  };
}

describe.each(hosts)("on $name", ({ convexTest }) => {
  test.each([{}, { batchSize: 1 }, { batchSize: 3 }])(
    "in batches of %o",
    { timeout: 60_000 },
    async (options) => {
      await fc.assert(
        fc.asyncProperty(program, async (documents) => {
          expect(await run(convexTest, documents, options)).toEqual(model(documents));
        }),
        { numRuns: 25 },
      );
    },
  );

  test("in several ranges or in parallel, each that is left was met once", { timeout: 60_000 }, async () => {
    const quiet = (steps: readonly Step[]): Step[] =>
      steps.flatMap((step): Step[] => {
        if (step.do === "insert") return [{ ...step, script: quiet(step.script) }];
        return step.do === "return" ? [step] : [];
      });
    await fc.assert(
      fc.asyncProperty(
        program,
        fc.constantFrom({ ranges: 3, batchSize: 2 }, { parallelize: true }),
        async (given, options) => {
          const documents = given.map(quiet);
          const { visits, left, failed } = await run(convexTest, documents, options);
          const expected = model(documents);
          const numbers = (of: readonly Visit[]): number[] =>
            of.map(([created]) => created).toSorted((a, b) => a - b);
          expect(numbers(visits)).toEqual(numbers(expected.visits));
          expect(left.toSorted((a, b) => a - b)).toEqual(expected.left.toSorted((a, b) => a - b));
          expect(failed).toBe(0);
        },
      ),
      { numRuns: 15 },
    );
  });
});
