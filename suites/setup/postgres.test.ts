import { expect, test } from "vitest";
import {
  inNewSchema,
  newPostgresUrl,
  PostgresServer,
  postgresUrl,
  query,
  schemaOf,
  withParameters,
} from "./postgres.js";

test("all who ask in a run get the same server, and schemas of their own", async () => {
  const [one, other, url] = await Promise.all([newPostgresUrl(), newPostgresUrl(), postgresUrl()]);
  expect(schemaOf(one)).not.toBe(schemaOf(other));
  expect(schemaOf(inNewSchema(one))).not.toBe(schemaOf(one));
  expect(withParameters(one, { schema: undefined })).toBe(url);
  expect(await query(url, "SHOW server_encoding")).toEqual([{ server_encoding: "UTF8" }]);
});

test("a server of a test's own keeps what it answered when it is killed, and starts again", async () => {
  const server = await PostgresServer.start();
  try {
    await query(server.url, "CREATE TABLE kept AS SELECT 1 AS number");
    const { pid } = server;
    server.kill();
    await server.start();
    expect(server.pid).not.toBe(pid);
    expect(await query(server.url, "SELECT number FROM kept")).toEqual([{ number: 1 }]);
  } finally {
    await server.stop();
  }
});
