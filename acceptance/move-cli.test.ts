import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../suites/setup/temporary-folder.js";
import { CliApp } from "./setup/cli-app.js";
import { scoresApp } from "./setup/scores-app.js";

const inFolder = temporaryFolder();
let app: CliApp;

beforeAll(async () => {
  app = new CliApp(scoresApp);
  const { code, stderr } = await app.run(["dev", "--once", "--port", "0"]);
  if (code !== 0) throw new Error(stderr);
  await app.run(["run", "scores:addMany", '{"count":3000}']);
});

afterAll(async () => await app.remove());

test("what was killed at any moment goes on: the data is in one place, whole, and checks out there", async () => {
  for (let attempt = 0; ; attempt++) {
    const moving = app.start(["move", ".trueup", inFolder("there")]);
    const timer = setTimeout(() => moving.kill("SIGKILL"), 100 + attempt * 40);
    const { code } = await moving.result;
    clearTimeout(timer);
    const isHere = (await app.run(["check", "--json"])).code === 0;
    const isThere = existsSync(join(inFolder("there"), "data.sqlite"));
    if (code === 0) expect([isHere, isThere]).toEqual([false, true]);
    if (isThere) break;
    expect(isHere || attempt > 0).toBe(true);
  }
  expect((await app.run(["move", ".trueup", inFolder("there")])).code).toBe(0);
  expect((await app.run(["move", "--undo", ".trueup", inFolder("there")])).code).toBe(0);
  expect((await app.run(["check"])).code).toBe(0);
  const { stdout } = await app.run(["move", ".trueup", inFolder("there"), "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ to: join(inFolder("there"), "data.sqlite") });
  const check = await app.run(["check", "--data", inFolder("there"), "--json"]);
  expect([check.code, JSON.parse(check.stdout)]).toMatchObject([0, { remaining: 0 }]);
  const refused = await app.run(["run", "scores:count", "--json"]);
  expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([78, { code: "STORAGE_MOVED" }]);
});
