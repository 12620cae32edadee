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
    throw new TrueupError("STORAGE_DRIVER_MISSING", undefined, { node: process.versions.node }, error);
  }
}
