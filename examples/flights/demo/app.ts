/**
 * The flights app as it was before anyone thought of aggregates, and as it is now: two programs on one data
 * file, the second opened after the first was closed.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { modulesFromDirectory, openBackend, sqlite, type Backend } from "trueup";

const convexFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "convex");
const require = createRequire(import.meta.url);

/** The table and its writes, and nothing else. */
export async function openWithoutAggregates(dataFile: string): Promise<Backend> {
  const modules = Object.entries(await modulesFromDirectory(convexFolder)).filter(([file]) =>
    ["schema.js", "flights.js"].includes(file),
  );
  return await openBackend({ storage: sqlite(dataFile), modules: Object.fromEntries(modules) });
}

/** The whole app. Limits are lifted for the answers that read the whole table. */
export async function openWithAggregates(dataFile: string): Promise<Backend> {
  const aggregate = await installedComponent("aggregate");
  return await openBackend({
    storage: sqlite(dataFile),
    modules: await modulesFromDirectory(convexFolder),
    components: {
      byDelay: aggregate,
      byDistance: aggregate,
      byHour: aggregate,
      migrations: await installedComponent("migrations"),
    },
    limits: "none",
  });
}

async function installedComponent(name: "aggregate" | "migrations") {
  const folder = dirname(require.resolve(`trueup/${name}/convex.config`));
  return { modules: await modulesFromDirectory(folder) };
}
