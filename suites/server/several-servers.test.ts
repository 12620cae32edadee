/** Several servers on one storage, behind a proxy that sends each request and each connection to the next of them. */
import { describe, expect, test } from "vitest";
import { postgres, type OpenStorage } from "trueup";
import { newPostgresUrl } from "../setup/postgres.js";
import { LateMemory } from "./late-memory.js";
import {
  add,
  adminKey,
  amend,
  count,
  httpClient,
  list,
  liveClient,
  sorted,
  startSeveral,
} from "./several-servers.js";

/** New, empty storages that each server opens for itself. */
const storages: readonly (readonly [name: string, newStorage: () => Promise<OpenStorage>])[] = [
  ["memory", async () => new LateMemory().open],
  ["Postgres", async () => postgres(await newPostgresUrl())],
];

describe.each(storages)("servers that share %s", (_name, newStorage) => {
  test("whoever was answered by one server is answered by all others as of then, over HTTP", async () => {
    const { proxy } = await startSeveral(await newStorage(), 2);
    const client = httpClient(proxy);
    for (let n = 1; n <= 40; n++) {
      const { id } = (await client.mutation(add, { text: `line ${n}` })) as { id: string };
      expect(await client.query(count, {})).toBe(n);
      // A mutation that fails for what another server has done already would not be told of a conflict.
      await client.mutation(amend, { id, text: `line ${n}, amended` });
    }
    expect(await client.query(list, {})).toEqual(
      Array.from({ length: 40 }, (_, n) => `line ${n + 1}, amended`),
    );
  });

  test("a query reads as of a timestamp that another server gave", async () => {
    const { proxy, servers } = await startSeveral(await newStorage(), 2);
    const writer = httpClient(proxy);
    await writer.mutation(add, { text: "before" });
    const reader = httpClient(proxy);
    expect(await reader.consistentQuery(list, {})).toEqual(["before"]);
    await writer.mutation(add, { text: "after" });
    for (let n = 0; n < 4; n++) expect(await reader.consistentQuery(list, {})).toEqual(["before"]);
    for (const { running } of servers) {
      expect(await httpClient(running).query(list, {})).toEqual(["before", "after"]);
    }
  });

  test("what a client watches on one server follows the mutations of all", async () => {
    const { servers } = await startSeveral(await newStorage(), 2);
    const seen = servers.map(({ running }) => {
      const values: unknown[] = [];
      liveClient(running).client.onUpdate(list, {}, (value) => values.push(value));
      return values;
    });
    for (const [at, { running }] of servers.entries()) {
      await httpClient(running).mutation(add, { text: `by ${at}` });
    }
    for (const values of seen) await expect.poll(() => values.at(-1)).toEqual(["by 0", "by 1"]);
  });

  test("a mutation whose client is cut off runs once, though another server gets it again while the first still runs it", async () => {
    const { proxy, hold, servers } = await startSeveral(await newStorage(), 2);
    let letGo = (): void => {};
    let begun = 0;
    hold.wait = async () => {
      begun += 1;
      if (begun === 1) await new Promise<void>((resolve) => (letGo = resolve));
    };
    const { client } = liveClient(proxy);
    const adding = client.mutation(add, { text: "once" });
    await expect.poll(() => begun).toBe(1);
    proxy.cut();
    expect(await adding).toMatchObject({ total: 1 });
    letGo();
    for (const { running } of servers) {
      expect(await httpClient(running).query(list, {})).toEqual(["once"]);
      expect(await httpClient(running).query(count, {})).toBe(1);
    }
  });

  test("clients that are cut off again and again see time go on only, and each of their mutations happens once", async () => {
    const { proxy, servers } = await startSeveral(await newStorage(), 3);
    const clients = Array.from({ length: 4 }, () => liveClient(proxy));
    const shown = clients.map(({ client }) => {
      const values: number[] = [];
      client.onUpdate(count, {}, (value) => values.push(Number(value)));
      return values;
    });
    const perClient = 6;
    await Promise.all(
      clients.map(async ({ client }, at) => {
        for (let n = 0; n < perClient; n++) {
          const adding = client.mutation(add, { text: `${at}/${n}` });
          // While it is on its way, or runs, or its answer is.
          if (n % 3 === 1) setTimeout(() => proxy.cut(), at * 5);
          await adding;
        }
      }),
    );
    const total = clients.length * perClient;
    for (const values of shown) await expect.poll(() => values.at(-1)).toBe(total);
    for (const { timestamps } of clients) {
      expect(timestamps).toEqual(sorted(timestamps));
    }
    for (const values of shown) expect(values).toEqual(sorted(values));
    for (const { running } of servers) {
      const lines = (await httpClient(running).query(list, {})) as string[];
      expect(new Set(lines).size).toBe(total);
      expect(lines).toHaveLength(total);
      for (const at of clients.keys()) {
        const own = lines.filter((line) => line.startsWith(`${at}/`));
        expect(own).toEqual(Array.from({ length: perClient }, (_, n) => `${at}/${n}`));
      }
    }
  });

  test("a key of admins holds on every server at once, and is taken back on every server at once", async () => {
    const { proxy, servers } = await startSeveral(await newStorage(), 2);
    const [first] = servers;
    const ask = async (key: string): Promise<number> => {
      const response = await fetch(`${proxy.url}/api/v1/get_canonical_urls`, {
        headers: { authorization: `Convex ${key}` },
      });
      return response.status;
    };
    expect([await ask(adminKey), await ask(adminKey)]).toEqual([200, 200]);
    const key = (await first?.backend.keys.add("ci")) ?? "";
    expect([await ask(key), await ask(key)]).toEqual([200, 200]);
    await first?.backend.keys.revoke("ci");
    expect([await ask(key), await ask(key)]).toEqual([403, 403]);
  });
});
