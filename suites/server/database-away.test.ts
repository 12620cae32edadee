/** A server whose database cannot be reached for a while. */
import { expect, test } from "vitest";
import { postgres } from "trueup";
import { FaultyProxy } from "../setup/faulty-proxy.js";
import { newPostgresUrl } from "../setup/postgres.js";
import { add, count, httpClient, liveClient, startSeveral } from "./several-servers.js";

test("calls over HTTP are told so within the storage's patience, clients stay connected, and all goes on by itself", async () => {
  const network = await FaultyProxy.start(await newPostgresUrl());
  const { servers, proxy } = await startSeveral(postgres(network.url), 1);
  const url = servers[0]?.running.url ?? "";
  const { client } = liveClient(proxy);
  const shown: unknown[] = [];
  client.onUpdate(count, {}, (total) => shown.push(total));
  await client.mutation(add, { text: "before" });
  network.refuses = true;
  network.cut();
  const waiting = client.mutation(add, { text: "meanwhile" });
  await expect(httpClient({ url }).query(count, {})).rejects.toThrow("STORAGE_UNAVAILABLE");
  expect((await fetch(`${url}/health`)).status).toBe(503);
  expect(proxy.sockets).toBe(1);
  network.refuses = false;
  expect(await waiting).toMatchObject({ total: 2 });
  await expect.poll(() => shown.at(-1)).toBe(2);
  expect(proxy.sockets).toBe(1);
  expect(await httpClient({ url }).query(count, {})).toBe(2);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  await network.close();
});
