/**
 * Counts to a number by a chain of scheduled mutations, each of which inserts a row, and leaves a line in a
 * file by an action for every tenth. Run by itself it goes on from where the data file stands until all is
 * done; a test kills it on the way.
 */
import { appendFileSync } from "node:fs";
import { actionGeneric as action, makeFunctionReference, mutationGeneric as mutation } from "convex/server";
import { openBackend, sqlite } from "trueup";

const step = makeFunctionReference("count:step");
const mark = makeFunctionReference("count:mark");

const modules = {
  "./convex/count.js": {
    start: mutation(async (ctx, { steps, marks }) => {
      if ((await ctx.db.query("starts").first()) === null) {
        await ctx.db.insert("starts", {});
        await ctx.scheduler.runAfter(0, step, { n: 0, steps, marks });
      }
    }),
    step: mutation(async (ctx, { n, steps, marks }) => {
      await ctx.db.insert("rows", { n });
      if (n % 10 === 0) await ctx.scheduler.runAfter(0, mark, { n, marks });
      if (n + 1 < steps) await ctx.scheduler.runAfter(0, step, { n: n + 1, steps, marks });
    }),
    mark: action((_ctx, { n, marks }) => appendFileSync(marks, `${String(n)}\n`)),
  },
};

const [, , file, steps, marks] = process.argv;
const backend = await openBackend({ storage: sqlite(file), modules });
process.stdout.write("open\n");
await backend.mutation(makeFunctionReference("count:start"), { steps: Number(steps), marks });
await backend.scheduler.idle();
await backend.close();
