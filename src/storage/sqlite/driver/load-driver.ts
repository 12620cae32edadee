/** Chooses the SQLite library for the Node that runs. */
import { TrueupError } from "../../../errors/index.js";
import { loadBetterSqlite3 } from "./better-sqlite3-driver.js";
import type { SqliteDriver } from "./driver.js";
import { loadNodeSqlite } from "./node-sqlite-driver.js";

/** Earlier Nodes have a built-in SQLite too, but warn that it is experimental. */
const firstNodeWithSqlite = 24;

/**
 * The built-in driver where Node has one that serves, better-sqlite3 otherwise.
 * @throws STORAGE_DRIVER_MISSING when neither can be loaded.
 */
export async function loadDriver(): Promise<SqliteDriver> {
  const nodeMajor = Number.parseInt(process.versions.node, 10);
  const builtIn = nodeMajor >= firstNodeWithSqlite ? loadNodeSqlite() : undefined;
  if (builtIn !== undefined) return builtIn;
  try {
    return await loadBetterSqlite3();
  } catch (error) {
    const reason = reasonOf(error);
    const { node } = process.versions;
    throw new TrueupError(
      "STORAGE_DRIVER_MISSING",
      `Node ${node} has no SQLite that can be used, and better-sqlite3 ${reason}`,
      { node },
      error,
    );
  }
}

/** Why better-sqlite3 cannot be loaded, and what to do about it. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const rebuild = "run `npm rebuild better-sqlite3`";
  if (message.includes("Cannot find package")) return "is not installed.";
  if (message.includes("Could not locate the bindings file")) {
    return `is installed, but was not built: ${rebuild}.`;
  }
  if (message.includes("NODE_MODULE_VERSION")) return `was built for another Node: ${rebuild}.`;
  return `cannot be loaded (${message.split("\n", 1)[0] ?? ""}): ${rebuild}.`;
}
