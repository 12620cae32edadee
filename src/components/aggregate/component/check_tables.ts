/** The tables of checks: of runs of verify and repair, and of what they found. */
import { type TableDefinition } from "convex/server";

export const checkTables: Record<string, TableDefinition> = {};
