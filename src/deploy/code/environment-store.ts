/** Keeps the deployment's environment variables in a system table of the data file. */
import { TrueupError } from "../../errors/index.js";
import { readAll, type MutationTransaction, type QueryTransaction } from "../../database/index.js";
import type { Environment } from "../definitions/component-tree.js";

const table = "_environment_variables";
const maxVariables = 100;
const maxValueBytes = 8 * 1024;
/** Variables that the server itself sets. */
export const serverVariables: ReadonlySet<string> = new Set(["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"]);

interface Variable {
  readonly name: string;
  readonly value: string;
}

/** A variable set, or unset where the value is null. */
export interface EnvironmentChange {
  readonly name: string;
  readonly value: string | null;
}

/** All variables, sorted by name. */
export async function readEnvironment(tx: QueryTransaction): Promise<Environment> {
  const documents = await readAll<Variable>(tx.system(""), table);
  const entries = documents.map(({ name, value }) => [name, value] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Applies changes in order. @throws INVALID_ENVIRONMENT_VARIABLE; nothing has changed then */
export async function changeEnvironment(
  tx: MutationTransaction,
  changes: readonly EnvironmentChange[],
): Promise<void> {
  const writer = tx.system("");
  const documents = await readAll<Variable>(writer, table);
  const known = new Map(documents.map(({ name, _id }) => [name, _id]));
  for (const { name, value } of changes) {
    checkVariable(name, value);
    const id = known.get(name);
    if (id !== undefined) await writer.delete(id, table);
    known.delete(name);
    if (value !== null) known.set(name, await writer.insert(table, { name, value }));
  }
  if (known.size > maxVariables) {
    throw invalid(`A deployment has at most ${maxVariables} environment variables.`, {
      maximum: maxVariables,
    });
  }
}

function checkVariable(name: string, value: string | null): void {
  if (!/^[A-Za-z_]\w{0,39}$/.test(name)) {
    throw invalid(
      `Invalid name ${JSON.stringify(name)} of an environment variable: names are letters, digits and underscores, do not begin with a digit, and have at most 40 characters.`,
      { name },
    );
  }
  if (serverVariables.has(name)) {
    throw invalid(`The environment variable ${name} is the server's own.`, { name });
  }
  if (value !== null && Buffer.byteLength(value) > maxValueBytes) {
    throw invalid(`The value of ${name} is longer than ${maxValueBytes} bytes.`, {
      name,
      maximum: maxValueBytes,
    });
  }
}

function invalid(message: string, details: Readonly<Record<string, unknown>>): TrueupError {
  return new TrueupError("INVALID_ENVIRONMENT_VARIABLE", message, details);
}
