/**
 * Postgres for tests: addresses of schemas that nobody has used, on one server for all workers of a run, which whoever asks first
 * starts. It is lost with the machine and quick for it; a test that kills its server starts a `PostgresServer` of its own.
 * `TRUEUP_TEST_POSTGRES` names another server for all but those.
 */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { postgres } from "../../src/storage/postgres/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { oncePerRun, PostgresServer } from "./postgres-server.js";

export { PostgresServer } from "./postgres-server.js";

/** The address of the run's server. */
export async function postgresUrl(): Promise<string> {
  return process.env["TRUEUP_TEST_POSTGRES"] ?? (await oncePerRun("server", startQuick));
}

async function startQuick(): Promise<string> {
  const server = await PostgresServer.start({ isQuick: true });
  return server.url;
}

/** What `postgres()` opens: the address of a schema that nobody has used. The storage makes it, and it goes with the server. */
export async function newPostgresUrl(): Promise<string> {
  return inNewSchema(await postgresUrl());
}

/** A storage there that nobody has written to; however often it is opened, it is the same. */
export function newPostgres(): OpenStorage {
  let url: Promise<string> | undefined;
  return async () => {
    url ??= newPostgresUrl();
    return await postgres(await url)();
  };
}

/** The same server, and a schema of it that nobody has used. */
export function inNewSchema(url: string): string {
  return withParameters(url, { schema: `test_${randomUUID().replaceAll("-", "").slice(0, 16)}` });
}

/** The schema that an address names. */
export function schemaOf(url: string): string {
  return new URL(url).searchParams.get("schema") ?? "";
}

/** The address with these parameters, instead of those of the same names; without those that are undefined. */
export function withParameters(
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
): string {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  }
  return changed.href;
}

/** Runs a statement on a connection of its own, and resolves with its rows. Names without a schema are of the address's one. */
export async function query(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: withParameters(url, { schema: undefined }) });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const schema = schemaOf(url);
    if (schema !== "") await client.query(`SET search_path TO ${client.escapeIdentifier(schema)}`);
    const { rows } = await client.query<Record<string, unknown>>(sql, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}
