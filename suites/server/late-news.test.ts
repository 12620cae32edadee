/** Servers that have not heard yet of what others have answered. */
import { expect, test } from "vitest";
import { LateMemory } from "./late-memory.js";
import { add, amend, count, httpClient, list, liveClient, sorted, startSeveral } from "./several-servers.js";

test("a server that has not heard yet of what another one answered waits for it before it answers", async () => {
  const memory = new LateMemory();
  const { servers } = await startSeveral(memory.open, 2);
  const [writer, reader] = servers.map(({ running }) => httpClient(running));
  const letGo = memory.hold(1);
  await writer?.mutation(add, { text: "elsewhere" });
  const answer = reader?.query(list, {});
  await expect.poll(() => memory.waiting(1)).toBe(1);
  letGo();
  expect(await answer).toEqual(["elsewhere"]);
});

test("a mutation that fails for what its server has not heard of yet is run again on what was answered elsewhere", async () => {
  const memory = new LateMemory();
  const { servers } = await startSeveral(memory.open, 2);
  const [writer, other] = servers.map(({ running }) => httpClient(running));
  const letGo = memory.hold(1);
  const added = await writer?.mutation(add, { text: "elsewhere" });
  const { id } = added as { id: string };
  const amending = other?.mutation(amend, { id, text: "amended" });
  await expect.poll(() => memory.waiting(1)).toBe(1);
  letGo();
  await amending;
  expect(await writer?.query(list, {})).toEqual(["amended"]);
});

test("a client that comes back to a server which has not heard yet of what the client has seen is shown nothing before that", async () => {
  const memory = new LateMemory();
  const { servers, proxy } = await startSeveral(memory.open, 2);
  const [first, second] = servers.map(({ running }) => running.port);
  proxy.use(first ?? 0);
  const { client, timestamps } = liveClient(proxy);
  const shown: unknown[] = [];
  client.onUpdate(count, {}, (total) => shown.push(total));
  await client.mutation(add, { text: "heard of everywhere" });
  await httpClient({ url: servers[1]?.running.url ?? "" }).query(count, {});
  const letGo = memory.hold(1);
  await client.mutation(add, { text: "heard of by the first only" });
  await expect.poll(() => shown.at(-1)).toBe(2);
  proxy.use(second ?? 0);
  proxy.cut();
  await expect.poll(() => memory.waiting(1)).toBe(1);
  const told = timestamps.length;
  letGo();
  await expect.poll(() => timestamps.length).toBeGreaterThan(told);
  expect(timestamps).toEqual(sorted(timestamps));
  expect(shown.filter((total) => total === 1)).toHaveLength(1);
});
