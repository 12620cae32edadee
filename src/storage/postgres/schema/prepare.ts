/**
 * What an opening does before anything else: looks at the server and the schema, says which of them is not as it must be, and
 * makes the tables where there are none. Several processes may do so at once: whoever fails because another one was quicker
 * looks again.
 */
import { TrueupError } from "../../../errors/index.js";
import type { Address } from "../address.js";
import type { Connections, Row } from "../connections.js";
import { patienceMs } from "../connections.js";
import { sqlStateOf } from "../postgres-errors.js";
import { format } from "./format.js";
import { createTables, quoteName } from "./tables.js";

/** The first with everything that the functions use. */
const oldestServer = 13;

/** Something of that name was made meanwhile. */
const quicker = /^(?:23505|42P06|42P07|42710|42723|40P01|XX000)$/;

/**
 * @throws STORAGE_SERVER_TOO_OLD, STORAGE_SERVER_UNSUITED, STORAGE_READ_ONLY, STORAGE_FORBIDDEN, STORAGE_TOO_NEW,
 * STORAGE_MOVED, STORAGE_UNAVAILABLE
 */
export async function prepareSchema(connections: Connections, address: Address): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const { hasTables } = await assertSuitedServer(connections, address);
    if (hasTables) {
      await assertReadable(connections, address);
      return;
    }
    try {
      await connections.persist(
        () => connections.transact((client) => createTables(client, address.schema)),
        patienceMs,
      );
      return;
    } catch (error) {
      const state = sqlStateOf(error instanceof TrueupError ? error.cause : error);
      if (!quicker.test(state ?? "") || performance.now() > untilMs) throw error;
    }
  }
}

/**
 * Whether the server and its settings will do, and whether the schema has its tables.
 * @throws STORAGE_SERVER_TOO_OLD, STORAGE_SERVER_UNSUITED, STORAGE_READ_ONLY, STORAGE_UNAVAILABLE
 */
export async function assertSuitedServer(
  connections: Connections,
  address: Address,
): Promise<{ readonly hasTables: boolean }> {
  const [found = []] = await connections.run(lookSql(address.schema));
  return assertSuited(found, address);
}

function lookSql(schema: string): string {
  const table = `${quoteName(schema)}.meta`.replaceAll("'", "''");
  return `SELECT current_setting('server_version_num')::int / 10000, pg_is_in_recovery(), current_setting('server_encoding'),
    current_setting('transaction_isolation'), to_regclass('${table}') IS NOT NULL`;
}

/** Of `lookSql`'s row: whether the server is one that the storage works on, and whether there are tables. */
export function assertSuited(
  [server, isStandby, encoding, isolation, hasTables]: Row,
  { name }: Address,
): { readonly hasTables: boolean } {
  if (Number(server) < oldestServer) {
    throw new TrueupError(
      "STORAGE_SERVER_TOO_OLD",
      `This is Postgres ${server}; Trueup needs Postgres ${oldestServer} or later.`,
      { place: name, server: Number(server) },
    );
  }
  if (isStandby === "t") throw new TrueupError("STORAGE_READ_ONLY", undefined, { place: name });
  if (encoding !== "UTF8") {
    throw new TrueupError(
      "STORAGE_SERVER_UNSUITED",
      `The database's encoding is ${encoding}. Make one with UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
      { place: name, encoding },
    );
  }
  if (isolation !== "read committed") {
    throw new TrueupError(
      "STORAGE_SERVER_UNSUITED",
      `The default transaction isolation is ${isolation}, under which a commit would not see the one before it. ` +
        "Set it back for this user: ALTER ROLE … SET default_transaction_isolation = 'read committed'.",
      { place: name, isolation },
    );
  }
  return { hasTables: hasTables === "t" };
}

/** The tables are there: whether this version may read them. */
async function assertReadable(connections: Connections, { schema, name }: Address): Promise<void> {
  const quoted = quoteName(schema);
  const [found = []] = await connections.run(
    `SELECT (SELECT value FROM ${quoted}.meta WHERE name = 'format'), (SELECT moved_to FROM ${quoted}.clock WHERE id = 1)`,
  );
  const [stored, movedTo] = found;
  if (Number(stored) > format) {
    throw new TrueupError("STORAGE_TOO_NEW", undefined, {
      place: name,
      format: Number(stored),
      known: format,
    });
  }
  if (typeof movedTo !== "string") return;
  throw new TrueupError("STORAGE_MOVED", undefined, { place: name, to: movedTo });
}
