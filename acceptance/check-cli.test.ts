import { readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkFile } from "trueup";
import { temporaryFolder } from "../suites/setup/temporary-folder.js";
import { loadDriver } from "../src/storage/sqlite/driver/load-driver.js";
import { CliApp, type CliResult } from "./setup/cli-app.js";
import { scoresApp } from "./setup/scores-app.js";

const temporary = temporaryFolder();
let app: CliApp;
const dataFile = (): string => join(app.root, ".trueup/data.sqlite");

beforeAll(async () => {
  const before = process.umask(0);
  app = new CliApp(scoresApp);
  const { code, stderr } = await app.run(["dev", "--once", "--port", "0"]);
  process.umask(before);
  if (code !== 0) throw new Error(stderr);
  await app.run(["run", "scores:addMany", '{"count":100}']);
}, 60_000);

afterAll(async () => await app.remove());

async function sql(text: string): Promise<void> {
  const connection = (await loadDriver()).open(dataFile(), { busyTimeoutMs: 0 });
  connection.exec(text);
  connection.close();
}

async function json(args: readonly string[]): Promise<{ code: number | null; value: unknown }> {
  const { code, stdout } = await app.run([...args, "--json"]);
  return { code, value: JSON.parse(stdout) };
}

test("everything that is kept is its owner's only, whatever the umask", () => {
  const root = join(app.root, ".trueup");
  const entries = readdirSync(root, { recursive: true }).map(String);
  expect(entries).toContain("data.sqlite");
  const open = ["", ...entries].filter((name) => (statSync(join(root, name)).mode & 0o077) !== 0);
  expect(open.filter((name) => !name.includes("node_modules"))).toEqual([]);
  expect(statSync(join(app.root, ".env.local")).mode & 0o077).toBe(0);
});

test("a sound file passes", async () => {
  const { code, stdout } = await app.run(["check"]);
  expect(stdout).toMatch(
    /^file: no damage, [\d,]+ entries\ndata: no differences, [\d,]+ documents in \d+ tables\nbyScore: no differences, /,
  );
  expect(code).toBe(0);
}, 60_000);

/** How a command ended, but for numbers: a check leaves a report, which is data, too. */
const withoutFigures = ({ code, stdout, stderr }: CliResult): unknown => ({
  code,
  stdout: stdout.replaceAll(/\d+/g, "0"),
  error: /^error \w+/m.exec(stderr)?.[0],
});

test("commands open the data that --data names, whether or not there is an app around it", async () => {
  const elsewhere = temporary("");
  for (const args of [
    ["check"],
    ["aggregates", "--json"],
    ["migrations"],
    ["run", "scores:total"],
    ["run", "convex/scores.ts:total"],
    ["keys", "list"],
    ["aggregates", "verify", "byScore"],
  ]) {
    const here = await app.run(args);
    const named = await app.runIn(elsewhere, [...args, "--data", join(app.root, ".trueup")]);
    expect([args, withoutFigures(named)]).toEqual([args, withoutFigures(here)]);
    expect(await app.runIn(elsewhere, args)).toMatchObject({
      code: 66,
      stderr: expect.stringContaining("APP_NOT_FOUND"),
    });
  }
  expect(await app.runIn(elsewhere, ["check", "--data", "none"])).toMatchObject({
    code: 66,
    stderr: expect.stringContaining("DATA_FILE_MISSING"),
  });
  symlinkSync(join(app.root, ".trueup"), join(elsewhere, ".trueup"));
  expect(await app.runIn(elsewhere, ["run", "scores:total"])).toMatchObject({ code: 0, stdout: "5050\n" });
}, 60_000);

test("a lost index entry and a damaged aggregate are found, named and mended", async () => {
  await sql("DELETE FROM entries WHERE key = (SELECT max(key) FROM entries WHERE key < char(5))");
  await sql(
    "UPDATE entries SET value = '{}' WHERE key = (SELECT max(key) FROM entries WHERE key >= char(6))",
  );
  const found = await json(["check"]);
  expect(found).toMatchObject({ code: 2, value: { storage: { damages: [{ kind: "entry" }] } } });
  const text = await app.run(["check"]);
  expect(text.code).toBe(2);
  expect(text.stdout).toMatch(/\n {2}missingIndexEntry {2}\S+ {2}\w{31,}\n/);
  expect(text.stdout).toMatch(/\n {2}damagedEntry {2}byScore /);

  const repaired = await app.run(["check", "--repair"]);
  expect(repaired.stdout).toContain("(mended)");
  expect(repaired.code).toBe(0);
  expect((await app.run(["check"])).code).toBe(0);
  expect((await app.run(["run", "scores:total"])).stdout.trim()).toBe("5050");
}, 120_000);

test("pushed code that is damaged is told, taken away by a repair, and there again after a deploy", async () => {
  await sql(`UPDATE entries SET value = '0000' || substr(value, 5)
    WHERE key = (SELECT min(key) FROM entries WHERE value LIKE '%"piece":%')`);
  const without = await app.run(["run", "scores:total"]);
  expect(without.stderr).toContain("MODULES_MISSING");
  expect(without.stderr).toContain("run `trueup check --repair`, and deploy again");
  expect((await app.run(["check"])).code).toBe(2);

  const repaired = await app.run(["check", "--repair"]);
  expect(repaired.stdout).toMatch(/damagedDocument {2}_pushed_texts .* deploy the app again {2}\(mended\)/);
  expect(repaired.code).toBe(0);
  expect((await app.run(["dev", "--once", "--port", "0"])).code).toBe(0);
  expect((await app.run(["run", "scores:total"])).stdout.trim()).toBe("5050");
}, 120_000);

test("while the app runs, its file is not checked", async () => {
  const server = app.start(["dev", "--no-push", "--port", "0", "--json"]);
  await server.firstLine;
  expect(await json(["check"])).toMatchObject({ code: 75, value: { code: "STORAGE_LOCKED" } });
  server.kill("SIGINT");
  await server.result;
}, 60_000);

test("a data file that is lost is told by whoever has it open, and an empty one is not taken for a new one", async () => {
  const server = app.start(["dev", "--no-push", "--port", "0", "--json"]);
  await server.firstLine;
  await app.run(["run", "scores:addMany", '{"count":1}']);
  const away = join(app.root, "away.sqlite");
  renameSync(dataFile(), away);
  const lost = await app.run(["run", "scores:addMany", '{"count":1}']);
  expect(lost.stderr).toContain("STORAGE_LOST");
  expect(await json(["check"])).toMatchObject({ code: 75 });
  server.kill("SIGKILL");
  await server.result;
  for (const args of [
    ["check"],
    ["check", "--repair"],
    ["dev", "--no-push", "--port", "0"],
    ["run", "scores:total"],
  ]) {
    const { code, stderr } = await app.run(args);
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining("put the file back")]);
    expect(code).not.toBe(0);
  }
  renameSync(away, dataFile());
  expect((await app.run(["run", "scores:total"])).stdout.trim()).toBe("5051");

  renameSync(dataFile(), away);
  expect(await json(["check"])).toMatchObject({ code: 66, value: { code: "DATA_FILE_MISSING" } });
  await expect(async () => await checkFile(dataFile())).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
  });
  writeFileSync(dataFile(), "");
  expect(await json(["check"])).toMatchObject({ code: 2, value: { code: "STORAGE_CORRUPT" } });
  expect(statSync(dataFile()).size).toBe(0);
  renameSync(away, dataFile());
}, 120_000);

test("a document that cannot be read ends the verification of its aggregate, with its name", async () => {
  const write = async (from: number, to: number): Promise<void> =>
    await sql(`UPDATE entries SET value = replace(value, '"score":${from}}', '"score":${to}}')`);
  await write(77, 99_977);
  const { code, stderr } = await app.run(["aggregates", "verify"]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/error AGGREGATE_VERIFY_FAILED: .*Damaged: document \w{31,} of table "scores"/),
  ]);
  await write(99_977, 77);
  expect((await app.run(["check"])).code).toBe(0);
}, 120_000);
