/** A grown file of ours, in the server of its process; the first answer goes over HTTP. */
import { join } from "node:path";
import { makeFunctionReference } from "convex/server";
import { openBackend, sqlite } from "trueup";
import { appWith, board } from "../build/app.js";
import { ourFile } from "../build/builds.js";
import { moduleLoaders } from "../harness/hosts.js";
import { HttpCaller } from "../harness/http-caller.js";
import { startOurServer } from "../server/our-server.js";
import type { OpenedPeer } from "./peers.js";

export async function openOurs(folder: string): Promise<OpenedPeer> {
  const app = await appWith("trueup");
  const begin = performance.now();
  const backend = await openBackend({
    storage: sqlite(join(folder, ourFile)),
    schema: app.schema,
    modules: moduleLoaders(app),
    components: app.components,
    limits: "none",
    log: "silent",
  });
  const openMs = performance.now() - begin;
  const caller = await HttpCaller.open(await startOurServer(backend));
  const reply = await caller.post(
    "/api/query",
    JSON.stringify({ path: "bench:count", args: [{}], format: "json" }),
  );
  caller.close();
  const ask = async (name: string, args: Record<string, number>): Promise<number> =>
    Number(await backend.query(makeFunctionReference<"query">(`bench:${name}`), args));
  return {
    openMs,
    count: (JSON.parse(reply) as { value: number }).value,
    grown: {
      countBetween: (lower, upper) => ask("countBetween", { lower, upper }),
      rank: (score) => ask("rank", { score }),
      insert: (score) =>
        backend.mutation(makeFunctionReference<"mutation">("bench:add"), { scores: [score], from: score }),
      indexBytes: async () => (await backend.aggregates.status(board)).sizeBytes,
    },
  };
}
