/** Each thing that can be wrong with a database is said when it is opened, with what to do about it, and without the password. */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import {
  inNewSchema,
  newPostgresUrl,
  postgresUrl,
  query,
  withParameters,
} from "../../../suites/setup/postgres.js";
import { put } from "../../../suites/storage/storage-calls.js";
import { isTrueupError } from "../../errors/index.js";
import { postgres } from "./index.js";
import { assertSuited } from "./schema/prepare.js";

/** The code that opening fails with. It never says the password. */
async function refusal(url: string): Promise<unknown> {
  try {
    const storage = await postgres(url)();
    await storage.close();
    return undefined;
  } catch (error) {
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("s3cret");
    return isTrueupError(error) ? error.code : error;
  }
}

/** The address of a role, with a password, that the statements make; `%` stands for its name. */
async function urlOfRole(...statements: readonly string[]): Promise<string> {
  const url = await newPostgresUrl();
  const name = new URL(url).searchParams.get("schema") ?? "";
  const admin = await postgresUrl();
  for (const statement of ["CREATE ROLE % LOGIN PASSWORD 's3cret'", ...statements]) {
    await query(admin, statement.replaceAll("%", `"${name}"`));
  }
  const role = new URL(url);
  role.username = name;
  role.password = "s3cret";
  return role.href;
}

test("an address that is none, or names a schema that cannot be, is refused", async () => {
  for (const url of [
    "",
    "localhost/db",
    "mysql://u:s3cret@localhost/db",
    "postgres://u:s3cret@localhost/db?schema=",
    `postgres://u:s3cret@localhost/db?schema=${"x".repeat(64)}`,
  ]) {
    expect(await refusal(url)).toBe("STORAGE_ADDRESS_INVALID");
  }
});

test("a role needs the right to make the schema, or a schema of its own", async () => {
  expect(await refusal(await urlOfRole())).toBe("STORAGE_FORBIDDEN");
  const url = await urlOfRole("CREATE SCHEMA % AUTHORIZATION %");
  expect(await refusal(url)).toBeUndefined();
  expect(await refusal(await urlOfRole("ALTER ROLE % NOLOGIN"))).toBe("STORAGE_FORBIDDEN");
  const stranger = new URL(await urlOfRole());
  stranger.searchParams.set("schema", new URL(url).searchParams.get("schema") ?? "");
  expect(await refusal(stranger.href)).toBe("STORAGE_FORBIDDEN");
});

test("another encoding, another isolation and an old server are refused, and each message says what to change", async () => {
  const url = inNewSchema(await postgresUrl());
  const database = new URL(url).searchParams.get("schema") ?? "";
  await query(
    await postgresUrl(),
    `CREATE DATABASE "${database}" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  const latin = new URL(url);
  latin.pathname = `/${database}`;
  expect(await refusal(latin.href)).toBe("STORAGE_SERVER_UNSUITED");
  expect(
    await refusal(await urlOfRole("ALTER ROLE % SET default_transaction_isolation = 'serializable'")),
  ).toBe("STORAGE_SERVER_UNSUITED");
  const address = { name: "postgres://old/db", schema: "app", connectionString: "" };
  expect(() => assertSuited(["12", "f", "UTF8", "read committed", "f"], address)).toThrow("Postgres 12");
  expect(() => assertSuited(["18", "t", "UTF8", "read committed", "f"], address)).toThrow("standby");
});

test("a later format is not touched, and moved data says where it is", async () => {
  const url = await newPostgresUrl();
  const storage = await postgres(url)();
  const moving = await storage.begin();
  await query(url, "UPDATE clock SET moved_to = 'data.sqlite'");
  await expect(moving.commit({ writes: [["a", "1"]] })).rejects.toMatchObject({
    code: "STORAGE_MOVED",
    details: { to: "data.sqlite" },
  });
  await storage.close();
  expect(await refusal(url)).toBe("STORAGE_MOVED");
  await query(url, "UPDATE clock SET moved_to = NULL");
  await query(url, "UPDATE meta SET value = '2' WHERE name = 'format'");
  expect(await refusal(url)).toBe("STORAGE_TOO_NEW");
});

test("a server that is not there is waited for ten seconds, and one that only reads is named as such", async () => {
  const readOnly = await urlOfRole(
    "CREATE SCHEMA % AUTHORIZATION %",
    "ALTER ROLE % SET default_transaction_read_only = on",
  );
  const gone = withParameters("postgres://u:s3cret@localhost/db?schema=app", { host: "/nowhere" });
  expect(await Promise.all([refusal(gone), refusal(readOnly)])).toEqual([
    "STORAGE_UNAVAILABLE",
    "STORAGE_READ_ONLY",
  ]);
});

test("a schema that is deleted while it is open is lost, and a check finds what nobody would have written", async () => {
  const url = await newPostgresUrl();
  const storage = await postgres(url)();
  await put(storage, [
    ["a", "1"],
    ["k".repeat(3000), "2"],
  ]);
  expect(await storage.check?.()).toEqual({ entries: 2, damages: [] });
  expect(storage.figures?.()).toMatchObject({ flushes: 1, dataBytes: expect.any(Number) });
  await query(url, String.raw`UPDATE entries SET rest = rest || 'x' WHERE rest IS NOT NULL`);
  await query(url, String.raw`UPDATE entries SET value = '\xff' WHERE rest IS NULL`);
  const check = await storage.check?.();
  expect(check?.damages.map(({ message }) => message)).toEqual([
    "The value is no text.",
    "The key is not the one that it was stored under.",
  ]);
  await query(url, `DROP SCHEMA "${new URL(url).searchParams.get("schema") ?? ""}" CASCADE`);
  await expect(put(storage, [["b", "2"]])).rejects.toMatchObject({ code: "STORAGE_LOST" });
  await storage.close();
});
