/** `consistentQuery` of the official client: all queries at one timestamp see one commit, whatever is written meanwhile. */
import { ConvexHttpClient } from "convex/browser";
import { queryGeneric } from "convex/server";
import fc from "fast-check";
import { memory, openBackend, programFromModules, sqlite, type Backend, type OpenStorage } from "trueup";
import { expect, test } from "vitest";
import { startServer, type RunningServer } from "../../src/server/index.js";
import { runs } from "../setup/property-runs.js";
import { temporaryFolder } from "../setup/temporary-folder.js";
import { all, app, Readers, set, step } from "./consistent-readers.js";

const path = temporaryFolder();
let files = 0;

async function open(storage: OpenStorage): Promise<{ backend: Backend; server: RunningServer }> {
  const modules = { "convex/mod.ts": app };
  const backend = await openBackend({ storage, modules, log: "silent", runScheduled: false });
  return { backend, server: await startServer(backend, { port: 0, adminKeys: ["trueup|secret"] }) };
}

test.each([
  ["memory", () => memory()],
  ["SQLite", () => sqlite(path(`${files++}.sqlite`), { durability: "relaxed" })],
] as const)("a client reads what was there when it began, on %s", async (_, storage) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
      const { backend, server } = await open(storage());
      try {
        await new Readers(server.url).run(steps);
      } finally {
        await server.close();
        await backend.close();
      }
    }),
    { numRuns: runs(8) },
  );
});

/** The status and the body of a query at a timestamp. */
async function queryAt(server: RunningServer, ts: unknown): Promise<unknown[]> {
  const body = JSON.stringify({ path: "mod:all", args: [{}], format: "convex_encoded_json", ts });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${server.url}/api/query_at_ts`, { method: "POST", body, headers });
  return [response.status, await response.json()];
}

test("a timestamp that nobody asked for, and one that is none, get errors that say what to do", async () => {
  const { backend, server } = await open(memory());
  try {
    await backend.run({ path: "mod:set", args: { key: "a", value: 1 }, allowInternal: false });
    const never = Buffer.from(new BigUint64Array([1_700_000_000_000_000_000n]).buffer).toString("base64");
    expect(await queryAt(server, never)).toEqual([
      400,
      { code: "TIMESTAMP_NOT_HELD", message: expect.stringContaining("make a new client") as string },
    ]);
    for (const ts of ["", "AAAA", "not base64", 7, null, `${never}AAAA`]) {
      expect(await queryAt(server, ts)).toMatchObject([400, { code: "INVALID_REQUEST" }]);
    }
  } finally {
    await server.close();
    await backend.close();
  }
});

test("a storage that lets go of old snapshots sooner has the last word", async () => {
  const { backend, server } = await open(sqlite(path(`${files++}.sqlite`), { snapshotMaxAgeMs: 0 }));
  try {
    const writer = new ConvexHttpClient(server.url);
    const reader = new ConvexHttpClient(server.url);
    await writer.mutation(set, { key: "a", value: 1 });
    expect(await reader.consistentQuery(all)).toEqual(["a=1"]);
    for (const value of [2, 3]) await writer.mutation(set, { key: "a", value });
    await expect(reader.consistentQuery(all)).rejects.toThrow("TIMESTAMP_NOT_HELD");
    expect(await new ConvexHttpClient(server.url).consistentQuery(all)).toEqual(["a=3"]);
  } finally {
    await server.close();
    await backend.close();
  }
});

test("a timestamp from before a deploy is read by the code of then", async () => {
  const { backend, server } = await open(memory());
  try {
    const before = new ConvexHttpClient(server.url);
    expect(await before.consistentQuery(all)).toEqual([]);
    const after = queryGeneric({ args: {}, handler: async () => ["another program"] });
    const modules = { "convex/mod.ts": { ...app, all: after } };
    await backend.activate(await programFromModules({ modules }));
    expect(await new ConvexHttpClient(server.url).consistentQuery(all)).toEqual(["another program"]);
    expect(await before.consistentQuery(all)).toEqual([]);
  } finally {
    await server.close();
    await backend.close();
  }
});
