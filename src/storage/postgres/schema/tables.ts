/**
 * The tables of a deployment: one schema, made at the first opening. What is true now stands in `entries`, what was true until
 * lately in `history`, so that a read at a version finds either by key alone; `log` has the commits of the last minutes, for the
 * feed and for validation; `clock` is the one row whose lock orders all commits.
 */
import type { Version } from "../../storage.js";
import { commitFunction } from "./commit-function.js";
import { assertKeptFunction, functionsOf } from "./functions.js";
import { format } from "./format.js";

/** Runs statements, several at once where they are without values. */
export interface SqlClient {
  query(sql: string): Promise<unknown>;
}

/** A name, quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Commits are told on the channel that is called like the schema. */
function channelOf(schema: string): string {
  return `'${schema.replaceAll("'", "''")}'`;
}

/**
 * Makes the schema, where there is none, and its tables and functions. One transaction, or part of the one that the client is in.
 * Two at once: the second waits for the first, then fails, and finds everything there when it looks again.
 * @param version Of the data that is put there by whoever calls; 0 when there is none.
 */
export async function createTables(client: SqlClient, schema: string, version: Version = 0): Promise<void> {
  const name = quoteName(schema);
  await client.query(`
DO $schema$ BEGIN
  -- Without the look, a role that was given a schema would need the right to make others.
  IF to_regnamespace('${name.replaceAll("'", "''")}') IS NULL THEN CREATE SCHEMA ${name}; END IF;
END $schema$;
CREATE TABLE ${name}.meta (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO ${name}.meta VALUES ('format', '${format}');
CREATE TABLE ${name}.clock (
  id smallint PRIMARY KEY CHECK (id = 1),
  version bigint NOT NULL,
  batch uuid NOT NULL,
  horizon bigint NOT NULL,
  moved_to text
) WITH (fillfactor = 10);
INSERT INTO ${name}.clock VALUES (1, ${version}, '00000000-0000-0000-0000-000000000000', ${version}, NULL);
CREATE TABLE ${name}.entries (
  key bytea NOT NULL,
  more bytea NOT NULL,
  rest bytea,
  version bigint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (key, more)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE ${name}.history (
  key bytea NOT NULL,
  more bytea NOT NULL,
  rest bytea,
  began bigint NOT NULL,
  ended bigint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (key, more, ended)
);
CREATE INDEX history_ended ON ${name}.history (ended);
CREATE TABLE ${name}.log (
  version bigint PRIMARY KEY,
  first bigint NOT NULL,
  batch uuid NOT NULL UNIQUE,
  refused int[] NOT NULL,
  keys bytea[] NOT NULL,
  body bytea NOT NULL
);
ALTER TABLE ${name}.log ALTER COLUMN keys SET STORAGE EXTERNAL, ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO ${name}.log SELECT version, version, batch, '{}', '{}', '' FROM ${name}.clock;
${allFunctions(name, channelOf(schema)).join(";")}`);
}

function allFunctions(name: string, channel: string): string[] {
  return [commitFunction(name, channel), assertKeptFunction(name), ...functionsOf(name, channel)];
}
