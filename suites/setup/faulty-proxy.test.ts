import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { FaultyProxy } from "./faulty-proxy.js";
import { newPostgresUrl, query, withParameters } from "./postgres.js";

const open: { close?: () => Promise<void>; end?: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const { close, end } of open.splice(0)) await (close ?? end)?.();
});

async function connectThroughProxy(): Promise<{ proxy: FaultyProxy; client: pg.Client; url: string }> {
  const url = await newPostgresUrl();
  const proxy = await FaultyProxy.start(url);
  const client = new pg.Client({ connectionString: withParameters(proxy.url, { schema: undefined }) });
  client.on("error", () => undefined);
  await client.connect();
  open.push({ end: () => client.end().catch(() => undefined) }, { close: () => proxy.close() });
  return { proxy, client, url };
}

test("what it delays arrives so much later, and a statement whose answer it cuts was run", async () => {
  const { proxy, client, url } = await connectThroughProxy();
  const name = client.escapeIdentifier(new URL(url).searchParams.get("schema") ?? "");
  proxy.delayMs = 20;
  const beganMs = performance.now();
  await client.query("SELECT 1");
  expect(performance.now() - beganMs).toBeGreaterThan(35);
  proxy.cutAnswers("CREATE SCHEMA");
  await expect(client.query(`CREATE SCHEMA ${name}`)).rejects.toThrow("terminated");
  expect(proxy.answersCut).toBe(1);
  await expect
    .poll(() =>
      query(url, "SELECT count(*)::int AS number FROM pg_namespace WHERE quote_ident(nspname) = $1", [
        name.replaceAll('"', ""),
      ]),
    )
    .toEqual([{ number: 1 }]);
});

test("while it stalls nothing arrives, afterwards everything does; what it cuts is gone", async () => {
  const { proxy, client } = await connectThroughProxy();
  proxy.stall();
  let isAnswered = false;
  const answer = client.query("SELECT 7 AS number").then(({ rows }) => {
    isAnswered = true;
    return rows;
  });
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  expect(isAnswered).toBe(false);
  proxy.resume();
  expect(await answer).toEqual([{ number: 7 }]);
  proxy.cut();
  await expect(client.query("SELECT 1")).rejects.toThrow(/terminated|closed|reset|not queryable/);
  expect(proxy.connections).toBe(0);
});
