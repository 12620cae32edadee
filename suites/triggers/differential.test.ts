/**
 * Compares our Triggers with those of convex-helpers on the same random programs: what every trigger was told, in
 * which order, and the documents at the end must be equal, as long as no error is swallowed.
 */
import { Triggers as PublishedTriggers } from "convex-helpers/server/triggers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Triggers } from "../../src/triggers/index.js";
import { database, type Ctx, type DataModel, type Table } from "./app.js";

interface Step {
  kind: "insert" | "patch" | "replace" | "delete";
  table: Table;
  target: number;
  score: number;
  named: boolean;
}

const step = fc.record<Step>({
  kind: fc.constantFrom("insert", "insert", "patch", "replace", "delete"),
  table: fc.constantFrom<Table>("users", "notes"),
  target: fc.nat(20),
  score: fc.integer({ min: -3, max: 9 }),
  named: fc.boolean(),
});

interface Trace {
  seen: unknown[];
  error: string | null;
  state: unknown[];
}

/** Runs the program; returns everything the triggers saw, the error if one was thrown, and the end state. */
async function trace(
  triggers: Triggers<DataModel> | PublishedTriggers<DataModel>,
  program: Step[],
): Promise<Trace> {
  const seen: unknown[] = [];
  const heard = (who: string, change: { operation: string; oldDoc: unknown; newDoc: unknown }): void => {
    seen.push([who, change.operation, fieldsOf(change.oldDoc), fieldsOf(change.newDoc)]);
  };
  const registerAll = (instance: Triggers<DataModel>): void => {
    instance.register("users", async (ctx, change) => {
      heard("first", change);
      if (change.newDoc !== null && change.newDoc.score < 0) throw new Error(`score ${change.newDoc.score}`);
      if (change.operation === "insert") {
        await ctx.db.insert("notes", { name: "for a user", score: change.newDoc.score });
        await ctx.innerDb.insert("log", { name: "silent", score: 0 });
      }
      if (change.operation === "update" && change.newDoc.score < 6) {
        await ctx.db.patch(change.id, { score: change.newDoc.score + 2 });
      }
    });
    instance.register("users", async (ctx, change) => {
      heard("second", change);
      await ctx.db.insert("log", { name: change.operation, score: 1 });
    });
    instance.register("notes", async (ctx, change) => {
      heard("note", change);
      if (change.operation === "delete") await ctx.db.insert("log", { name: "note gone", score: 2 });
    });
    instance.register("log", (_ctx, change) => Promise.resolve(heard("log", change)));
  };
  // The published class has the same methods; its types name the same shapes separately.
  registerAll(triggers as Triggers<DataModel>);

  const app = database();
  const error = await app
    .mutate(async (ctx) => runProgram((triggers as Triggers<DataModel>).wrapDB(ctx), program))
    .then(() => null, String);
  const state = await Promise.all((["users", "notes", "log"] as const).map((table) => app.all(table)));
  return { seen, error, state };
}

async function runProgram(ctx: Ctx, program: Step[]): Promise<void> {
  for (const { kind, table, target, score, named } of program) {
    const value = { name: "x", score };
    if (kind === "insert") {
      await ctx.db.insert(table, value);
      continue;
    }
    const docs = await ctx.db.query(table).collect();
    const doc = docs[target % docs.length];
    if (doc === undefined) continue;
    if (kind === "patch") {
      await (named ? ctx.db.patch(table, doc._id, { score }) : ctx.db.patch(doc._id, { score }));
    }
    if (kind === "replace") {
      await (named ? ctx.db.replace(table, doc._id, value) : ctx.db.replace(doc._id, value));
    }
    if (kind === "delete") await (named ? ctx.db.delete(table, doc._id) : ctx.db.delete(doc._id));
  }
}

function fieldsOf(doc: unknown): unknown {
  if (doc === null) return null;
  const { name, score } = doc as { name: string; score: number };
  return { name, score };
}

test("random programs tell every trigger the same, in the same order, and end in the same documents", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (program) => {
      const ours = await trace(new Triggers<DataModel>(), program);
      const theirs = await trace(new PublishedTriggers<DataModel>(), program);
      // After a failure theirs also runs what was still queued, only to roll it back.
      const comparable = ours.error === null ? theirs.seen : theirs.seen.slice(0, ours.seen.length);
      expect(ours).toEqual({ ...theirs, seen: comparable });
    }),
    { numRuns: 60 },
  );
});
