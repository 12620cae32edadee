/** A schema of a Postgres database as the place that data is moved from, or to. */
import type { ClientBase } from "pg";
import { randomUUID } from "node:crypto";
import { TrueupError } from "../../errors/index.js";
import type { DataFill, DataPlace, HeldData } from "../place.js";
import type { Entry, Version } from "../storage.js";
import { type Address, parseAddress } from "./address.js";
import { byteaArray } from "./binary.js";
import { Connections, loadDriver, type Parameter, type Row } from "./connections.js";
import { postgresError } from "./postgres-errors.js";
import { assertSuitedServer } from "./schema/prepare.js";
import { createTables, quoteName } from "./schema/tables.js";
import { storedKey } from "./stored-key.js";
import { VersionReader } from "./version-reader.js";

const batchEntries = 5_000;

/** The schema that an address names. @throws STORAGE_ADDRESS_INVALID */
export function postgresPlace(address: string): DataPlace {
  const parsed = parseAddress(address);
  return {
    name: parsed.name,
    hold: () => begin(parsed, holdSchema),
    fill: (version) => begin(parsed, (session) => fillSchema(session, version)),
  };
}

/** One connection, in one transaction, which ends with whatever became of the place. */
class Session {
  readonly address: Address;
  readonly schema: string;
  readonly #client: ClientBase;
  readonly #end: (isBroken: boolean) => Promise<void>;

  constructor(address: Address, client: ClientBase, end: (isBroken: boolean) => Promise<void>) {
    this.address = address;
    this.schema = quoteName(address.schema);
    this.#client = client;
    this.#end = end;
  }

  /** Runs a statement. @throws coded errors */
  readonly run = async (text: string, values: readonly Parameter[] = []): Promise<Row[]> => {
    try {
      const { rows } = await this.#client.query<(string | null)[]>({
        text,
        values: [...values],
        rowMode: "array",
        types: { getTypeParser: () => (found: string) => found },
      });
      return rows;
    } catch (error) {
      throw postgresError(this.address.name, error);
    }
  };

  async createTables(version: Version): Promise<void> {
    try {
      await createTables(this.#client, this.address.schema, version);
    } catch (error) {
      throw postgresError(this.address.name, error);
    }
  }

  /** All entries as the transaction sees them. */
  async *entries(version: Version): AsyncGenerator<readonly Entry[]> {
    const reader = new VersionReader(this, this.address.schema);
    let start = "";
    for (;;) {
      const entries = await reader.scan(version, { start }, { limit: batchEntries });
      if (entries.length > 0) yield entries;
      if (entries.length < batchEntries) return;
      start = `${entries.at(-1)?.[0] ?? ""}\x00`;
    }
  }

  async commit(): Promise<void> {
    await this.run("COMMIT");
  }

  /** Takes back what is not committed, as the connection ends. */
  async end(): Promise<void> {
    await this.#end(true);
  }
}

async function begin<T>(address: Address, use: (session: Session) => Promise<T>): Promise<T> {
  const connections = new Connections(await loadDriver(), address, { size: 1 });
  try {
    await assertSuitedServer(connections, address);
    return await connections.lend(async (client, release) => {
      const session = new Session(address, client, async (isBroken) => {
        release(isBroken);
        await connections.close();
      });
      try {
        await session.run("BEGIN");
        // The copy takes its time; whoever else wants the lock is refused sooner.
        await session.run(
          "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5s'",
        );
        return await use(session);
      } catch (error) {
        await session.end();
        throw error;
      }
    });
  } catch (error) {
    await connections.close();
    throw error;
  }
}

async function hasTables({ run, schema }: Session): Promise<boolean> {
  const [row] = await run("SELECT to_regclass($1) IS NOT NULL", [`${schema}.clock`]);
  return row?.[0] === "t";
}

/** The lock of the clock's row keeps everybody from committing until the session ends. */
async function holdSchema(session: Session): Promise<HeldData | null> {
  const { run, schema } = session;
  if (!(await hasTables(session))) {
    await session.end();
    return null;
  }
  const [clock] = await run(`SELECT version, moved_to FROM ${schema}.clock WHERE id = 1 FOR UPDATE`);
  const version = Number(clock?.[0]);
  return {
    version,
    movedTo: clock?.[1] ?? null,
    entries: () => session.entries(version),
    async markMoved(to) {
      await run(`UPDATE ${schema}.clock SET moved_to = $1 WHERE id = 1`, [to]);
      await session.commit();
    },
    async remove() {
      await run(`DROP SCHEMA ${schema} CASCADE`);
      await session.commit();
      await session.end();
    },
    letGo: () => session.end(),
  };
}

async function fillSchema(session: Session, version: Version): Promise<DataFill> {
  const { run, schema, address } = session;
  if (await hasTables(session)) {
    throw new TrueupError("STORAGE_NOT_EMPTY", `There is data in ${address.name} already.`, {
      place: address.name,
    });
  }
  await session.createTables(version);
  return {
    async add(entries) {
      const keys = entries.map(([key]) => storedKey(key));
      await run(
        `INSERT INTO ${schema}.entries (key, more, rest, version, value)
          SELECT u.key, u.more, u.rest, $1, u.value FROM unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[])
            AS u(key, more, rest, value)`,
        [
          String(version),
          byteaArray(keys.map(({ key }) => key)),
          byteaArray(keys.map(({ more }) => more)),
          byteaArray(keys.map(({ rest }) => rest)),
          byteaArray(entries.map(([, value]) => Buffer.from(value))),
        ],
      );
    },
    entries: () => session.entries(version),
    async finish() {
      const batch = randomUUID();
      await run(`UPDATE ${schema}.clock SET batch = $1`, [batch]);
      await run(`UPDATE ${schema}.log SET batch = $1`, [batch]);
      await session.commit();
      await run(`ANALYZE ${schema}.entries`);
      await session.end();
    },
    async abandon() {
      await session.end();
    },
  };
}
