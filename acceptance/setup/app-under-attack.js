/**
 * An app in a process of its own, for whoever attacks it: it tells its parent where it listens, and whenever it is asked what
 * memory it holds once everything that can be collected is.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { actionGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { memory, openBackend } from "../../dist/embed/index.js";

const functions = {
  echo: queryGeneric({ handler: (_ctx, args) => args }),
  large: queryGeneric({ handler: () => "x".repeat(1024 * 1024) }),
  add: mutationGeneric({ handler: async (ctx) => void (await ctx.db.insert("rows", {})) }),
  act: actionGeneric({ handler: () => null }),
};
const backend = await openBackend({
  storage: memory(),
  modules: { "./convex/f.js": functions },
  log: "silent",
});
const server = await backend.listen({ port: 0, isProduction: true, log: () => {} });

async function held() {
  for (let round = 0; round < 5; round++) {
    globalThis.gc();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

process.on("message", (question) => {
  if (question === "memory") void held().then((bytes) => process.send({ bytes }));
  else void backend.close().then(() => process.disconnect());
});
process.send({ port: server.port });
