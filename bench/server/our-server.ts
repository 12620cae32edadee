/** This package's server on a storage of one's own, as `trueup start` starts it. It has no public name. */
import { join } from "node:path";
import { makeFunctionReference } from "convex/server";
import { memory, openBackend, sqlite, type Backend, type OpenStorage } from "trueup";
import { builtModule } from "../harness/built.js";
import { moduleLoaders } from "../harness/hosts.js";
import { app } from "./app.js";
import type { PeerName, Served } from "./peer-names.js";

type StartServer = (
  backend: Backend,
  options: { readonly port: number },
) => Promise<{ readonly port: number; close(): Promise<void> }>;

/** Starts the server of a backend on a free port. */
export async function startOurServer(backend: Backend): Promise<number> {
  const { startServer } = await builtModule<{ startServer: StartServer }>("server/index.js");
  return (await startServer(backend, { port: 0 })).port;
}

export async function serveOurs(peer: PeerName, folder: string): Promise<Served> {
  const backend = await openBackend({
    storage: storageOf(peer, folder),
    schema: app.schema,
    modules: moduleLoaders(app),
    log: "silent",
    limits: "none",
  });
  const count = makeFunctionReference<"query">("bench:count");
  const latest = makeFunctionReference<"query">("bench:latest");
  return {
    port: await startOurServer(backend),
    count: async () => Number(await backend.query(count, {})),
    latest: async (room) => void (await backend.query(latest, { room })),
  };
}

function storageOf(peer: PeerName, folder: string): OpenStorage {
  if (peer === "trueup, memory") return memory();
  return sqlite(join(folder, "data.sqlite"), {
    durability: peer === "trueup, relaxed" ? "relaxed" : "full",
  });
}
