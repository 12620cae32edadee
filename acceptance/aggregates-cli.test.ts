import { afterAll, beforeAll, expect, test } from "vitest";
import { CliApp } from "./setup/cli-app.js";
import { scoresApp } from "./setup/scores-app.js";

let app: CliApp;

beforeAll(async () => {
  app = new CliApp(scoresApp);
  const { code, stderr } = await app.run(["dev", "--once", "--port", "0"]);
  if (code !== 0) throw new Error(stderr);
}, 60_000);

afterAll(async () => await app.remove());

async function json(args: readonly string[]): Promise<{ code: number | null; value: unknown }> {
  const { code, stdout } = await app.run([...args, "--json"]);
  return { code, value: JSON.parse(stdout) };
}

test("aggregates are listed, verified and repaired in the data file itself", async () => {
  await app.run(["run", "scores:addMany", '{"count":100}']);
  const listed = await app.run(["aggregates"]);
  expect(listed.stdout).toMatch(/^aggregate +table +state +items .*\nbyScore +scores +ready +100 +1 +5,050 /);
  expect(listed.code).toBe(0);
  expect((await app.run(["aggregates", "verify"])).stdout).toMatch(/^byScore: no differences, 200 /);

  const lost = JSON.parse((await app.run(["run", "scores:lose"])).stdout) as string;
  expect((await app.run(["run", "scores:total"])).stdout.trim()).toBe("5049");
  const found = await json(["aggregates", "verify", "byScore"]);
  expect(found).toMatchObject({
    code: 2,
    value: [
      { name: "byScore", remaining: 1, counts: { missing: 1 }, differences: [{ kind: "missing", id: lost }] },
    ],
  });
  const drifted = await json(["aggregates"]);
  expect(drifted).toMatchObject({ code: 2, value: [{ name: "byScore", drift: 1 }] });

  const repaired = await app.run(["aggregates", "repair", "byScore"]);
  expect(repaired.stdout).toMatch(/^byScore: 1 difference \(1 missing\), all mended, /);
  expect(repaired.stdout).toContain(lost);
  expect(repaired.code).toBe(0);
  expect((await app.run(["run", "scores:total"])).stdout.trim()).toBe("5050");
  expect(await json(["aggregates", "verify"])).toMatchObject({ code: 0, value: [{ remaining: 0 }] });
}, 60_000);

test("a running server is asked, and a name that is none is told with those that are", async () => {
  const server = app.start(["dev", "--no-push", "--port", "0", "--json"]);
  await server.firstLine;
  const lost = JSON.parse((await app.run(["run", "scores:lose"])).stdout) as string;
  expect(await json(["aggregates", "verify"])).toMatchObject({
    code: 2,
    value: [{ differences: [{ id: lost, kind: "missing", fixed: false }] }],
  });
  expect(await json(["aggregates", "repair"])).toMatchObject({
    code: 0,
    value: [{ fixed: 1, remaining: 0 }],
  });
  expect(await json(["aggregates"])).toMatchObject({ code: 0, value: [{ drift: 0, state: "ready" }] });
  const unknown = await json(["aggregates", "verify", "byscore"]);
  expect(unknown).toMatchObject({ code: 66, value: { code: "AGGREGATE_NOT_FOUND" } });
  server.kill("SIGINT");
  await server.result;
}, 60_000);

test("a push of another definition never lets a read fail; one that cannot be built is refused", async () => {
  const server = app.start(["dev", "--no-push", "--port", "0", "--json"]);
  const { url } = JSON.parse(await server.firstLine) as { url: string };
  const total = async (): Promise<unknown> => {
    const body = JSON.stringify({ path: "scores:total", args: {}, format: "json" });
    const headers = { "Content-Type": "application/json" };
    const reply = await fetch(`${url}/api/query`, { method: "POST", headers, body });
    return ((await reply.json()) as { value?: unknown }).value ?? "failed";
  };
  const source = scoresApp["convex/scores.ts"];
  const doubled = source
    .replace("version: 1", "version: 2")
    .replace("sumValue: (doc: any) => doc.score", "sumValue: (doc: any) => doc.score * 2");
  app.write({ "convex/scores.ts": doubled });
  let isPushed = false;
  const pushing = app.runOfficial(["dev", "--once"]).finally(() => (isPushed = true));
  const seen = new Set<unknown>();
  while (!isPushed) seen.add(await total());
  expect((await pushing).code).toBe(0);
  seen.add(await total());
  expect([...seen]).toEqual([5050, 10_100]);

  const broken = doubled
    .replace("version: 2", "version: 3")
    .replace("sortKey: (doc: any) => doc.score", "sortKey: (doc: any) => doc.score.toFixed().at(99).length");
  app.write({ "convex/scores.ts": broken });
  const refused = await app.runOfficial(["dev", "--once"]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/cannot be built \(byScore\): .* failed on document/);
  expect(await total()).toBe(10_100);
  expect(await json(["aggregates", "verify"])).toMatchObject({ code: 0, value: [{ remaining: 0 }] });
  app.write({ "convex/scores.ts": source });
  expect((await app.runOfficial(["dev", "--once"])).code).toBe(0);
  expect(await total()).toBe(5050);
  server.kill("SIGINT");
  await server.result;
}, 90_000);

test("watching prints a line whenever an aggregate changes", async () => {
  const watching = app.start(["aggregates", "--watch"]);
  expect(await watching.firstLine).toBe("byScore ready 100 items");
  watching.kill("SIGINT");
  expect((await watching.result).code).toBe(0);
}, 30_000);
