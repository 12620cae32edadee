/**
 * Upgrades a component that drops a table, as its users do: the official CLI is refused with the waiver to paste, and goes
 * through with it. The app neither mounts nor uses migrations.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBackend, sqlite, type Backend } from "trueup";
import { startServer, type RunningServer } from "../src/server/index.js";
import { CliApp, type CliResult } from "./setup/cli-app.js";

const config = (kind: string, name: string, uses: string): string => `
import { ${kind} } from "convex/server";
import ${uses} from "../${uses}/convex.config.js";
const it = ${kind}(${name});
it.use(${uses});
export default it;
`;
const leaf = `
import { defineComponent } from "convex/server";
export default defineComponent("ledger");
`;
const functions = `
import { v } from "convex/values";
import { mutation } from "./_generated/server.js";
export const add = mutation({ args: { table: v.string() }, handler: async (ctx, { table }) => {
  await ctx.db.insert(table as never, { n: 1 } as never);
  return (await ctx.db.query(table as never).collect()).length;
} });
`;
const schema = (tables: string): string => `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ ${tables} });
`;
const kept = "kept: defineTable({ n: v.number() })";
const gone = "gone: defineTable({ n: v.number() })";

const app = new CliApp({
  "convex/convex.config.ts": config("defineApp", "", "billing"),
  "billing/convex.config.ts": config("defineComponent", '"billing"', "ledger"),
  "billing/rows.ts": functions,
  "billing/schema.ts": schema(`${kept}, ${gone}`),
  "ledger/convex.config.ts": leaf,
  "ledger/rows.ts": functions,
  "ledger/schema.ts": schema(`${kept}, ${gone}`),
});
let backend: Backend;
let server: RunningServer;

beforeAll(async () => {
  backend = await openBackend({ storage: sqlite(join(app.root, "data.sqlite")), log: "silent" });
  server = await startServer(backend, { port: 0, adminKeys: ["trueup|0123456789abcdef"] });
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='trueup|0123456789abcdef'\n`,
  });
});
afterAll(async () => {
  await server.close();
  await backend.close();
  await app.remove();
});

function deploy(): Promise<CliResult> {
  return app.runOfficial(["deploy", "--typecheck", "disable", "--codegen", "disable"]);
}

async function add(componentPath: string, table: string): Promise<unknown> {
  const outcome = await backend.run({
    path: "rows:add",
    componentPath,
    args: { table },
    allowInternal: true,
  });
  return outcome.status === "success" ? outcome.value : outcome.error;
}

test("what a refused upgrade prints is pasted as it is, and the upgrade goes through", async () => {
  await app.runOfficial(["codegen", "--typecheck", "disable"]);
  expect(await deploy()).toMatchObject({ code: 0 });
  for (const path of ["billing", "billing/ledger"]) {
    for (const table of ["kept", "gone"]) expect(await add(path, table)).toBe(1);
  }

  app.write({ "billing/schema.ts": schema(kept), "ledger/schema.ts": schema(kept) });
  const refused = await deploy();
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('gone of component "billing": a table with 1 document.');
  const [pasted = ""] = /^import \{ waive \}[^]*?^\);$/m.exec(refused.stderr) ?? [];
  expect(pasted).toContain('"drop-table:billing/ledger/gone"');

  app.write({ "convex/waivers.ts": pasted });
  expect(await deploy()).toMatchObject({ code: 0 });
  for (const path of ["billing", "billing/ledger"]) expect(await add(path, "kept")).toBe(2);

  // The tables come back empty.
  app.write({
    "billing/schema.ts": schema(`${kept}, ${gone}`),
    "ledger/schema.ts": schema(`${kept}, ${gone}`),
  });
  expect(await deploy()).toMatchObject({ code: 0 });
  for (const path of ["billing", "billing/ledger"]) {
    expect(await add(path, "kept")).toBe(3);
    expect(await add(path, "gone")).toBe(1);
  }
}, 120_000);
