/**
 * An app in a process of its own, for whoever attacks it: it tells its parent where it listens, and whenever it is asked what
 * it holds: by its own figures, and in memory once everything that can be collected is.
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
const adminKey = "attacked|0123456789abcdef";
const server = await backend.listen({ port: 0, adminKeys: [adminKey], isProduction: true, log: () => {} });

/** The figures of what callers have with the server; this question is a request, too. */
async function figures() {
  const reply = await fetch(`${server.localUrl}/metrics`, {
    headers: { authorization: `Convex ${adminKey}`, connection: "close" },
  });
  const text = await reply.text();
  const valueOf = (name) => Number(new RegExp(`^trueup_${name} (\\d+)$`, "m").exec(text)?.[1]);
  return {
    sockets: valueOf("sockets"),
    watchedQueries: valueOf("watched_queries"),
    subscriptions: valueOf("subscriptions"),
    requests: valueOf("requests_under_way") - 1,
    calls: valueOf("calls_in_hand"),
    bytes: valueOf("bytes_in_hand"),
  };
}

async function heldBytes() {
  for (let round = 0; round < 5; round++) {
    globalThis.gc();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

process.on("message", (question) => {
  if (question === "figures") void figures().then((held) => process.send(held));
  else if (question === "memory") void heldBytes().then((bytes) => process.send(bytes));
  else void backend.close().then(() => process.disconnect());
});
process.send({ port: server.port });
