import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, PackageApp } from "./setup/package-app.js";

const app = new PackageApp("everyday");

beforeAll(async () => {
  await app.start();
  await app.convex("deploy");
});
afterAll(() => app.remove());

test("rate-limiter lets so many through, and says when the next may come", async () => {
  const send = (fails = false): Promise<unknown> => app.mutation("limits:send", { user: "ada", fails });
  await expect(send(true)).rejects.toThrow("not sent");
  const sent = [await send(), await send(), await send(), await send()];
  expect(sent.slice(0, 3)).toEqual(Array(3).fill({ ok: true }));
  expect(sent[3]).toEqual({ ok: false, retryAfter: expect.any(Number) });
  expect(await app.mutation("limits:send", { user: "bob" })).toEqual({ ok: true });
  expect(await app.query("limits:getRateLimit")).toMatchObject({
    value: expect.any(Number),
    config: { capacity: 3 },
  });
});

test("workpool runs jobs a few at a time, tries again what failed, and tells of each once", async () => {
  const cities = Array.from({ length: 8 }, (_, n) => `City ${n}`);
  await app.mutation("jobs:downloadLatestWeather", { cities: [...cities, "Atlantis"] });
  const weather = async (): Promise<string[]> =>
    ((await app.query("log:list", { topic: "weather" })) as string[]).toSorted();
  await eventually(weather).toEqual([
    "Atlantis: failed",
    ...cities.map((city) => `${city}: sunny in ${city}`),
  ]);
  await app.mutation("jobs:countUp", { times: 20 });
  await eventually(() => app.query("log:list", { topic: "counter" })).toEqual(
    Array.from({ length: 20 }, (_, n) => String(n)),
  );
});
