/** The example in a browser, as its players have it: two pages, a line that is cut, a server that dies. */
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppServer } from "./setup/app-server.js";
import { launchChromium, serveFolder } from "./setup/chromium.js";
import { CliApp } from "./setup/cli-app.js";
import { Line } from "./setup/line.js";

const example = resolve("examples/leaderboard");
const timeout = 60_000;
const app = new CliApp({});
const cleanUps: (() => unknown)[] = [() => app.remove()];

let server: AppServer;
let browser: Browser;
let siteUrl: string;

beforeAll(async () => {
  const page = join(app.root, "page");
  // Every page reaches the server by a line of its own.
  const define = { "import.meta.env.VITE_CONVEX_URL": "window.serverUrl" };
  const building = build({ root: example, logLevel: "error", build: { outDir: page }, define });
  const launching = launchChromium().then((launched) => (browser = launched));
  await Promise.all([building, launching, deploy()]);
  const site = await serveFolder(page);
  siteUrl = site.url;
  cleanUps.push(site.close, () => browser.close());
}, 120_000);

/** As the example's README says. */
async function deploy(): Promise<void> {
  cpSync(join(example, "convex"), join(app.root, "convex"), { recursive: true });
  const keys = execFileSync(process.execPath, [join(example, "make-keys.js")], { encoding: "utf8" });
  app.write({ "keys.env": keys });
  server = await AppServer.start(app);
  await server.runOfficial("env", "set", "--from-file", "keys.env");
  await server.deploy();
}

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

class Player {
  readonly page: Page;
  readonly name: string;
  readonly #line: Line;

  private constructor(page: Page, name: string, line: Line) {
    this.page = page;
    this.name = name;
    this.#line = line;
  }

  /** Signs up in a browser of their own. */
  static async join(name: string): Promise<Player> {
    const line = await Line.to(Number(new URL(server.url).port));
    cleanUps.push(() => line.close());
    const context = await browser.newContext();
    context.setDefaultTimeout(timeout);
    await context.addInitScript((url) => Object.assign(globalThis, { serverUrl: url }), line.url);
    const player = new Player(await context.newPage(), name, line);
    await player.page.goto(siteUrl);
    await player.page.getByRole("button", { name: "I am new" }).click();
    await player.fillIn("Sign up");
    return player;
  }

  async fillIn(button: "Sign up" | "Sign in"): Promise<void> {
    await this.page.getByPlaceholder("Email").fill(`${this.name}@example.com`);
    await this.page.getByPlaceholder("Password").fill("correct horse");
    await this.page.getByRole("button", { name: button, exact: true }).click();
    await this.page.getByRole("button", { name: "Throw" }).waitFor();
  }

  /** Clicks as fast as a page can, without waiting for anything. */
  async throwDice(times: number): Promise<void> {
    const button = this.page.getByRole("button", { name: "Throw" });
    await button.evaluate((element: { click(): void }, clicks) => {
      for (let click = 0; click < clicks; click++) element.click();
    }, times);
  }

  async untilOffline(): Promise<void> {
    await this.page.getByRole("status").waitFor();
  }

  async untilCount(count: number): Promise<void> {
    await this.page
      .getByTestId("count")
      .filter({ hasText: new RegExp(`^${count}$`) })
      .waitFor();
  }

  async untilCountIsOver(count: number): Promise<void> {
    const shown = 'Number(document.querySelector("[data-testid=count]").textContent)';
    await this.page.waitForFunction(`${shown} > ${count}`);
  }

  async number(shown: "count" | "sum" | "rank"): Promise<number> {
    return Number(await this.page.getByTestId(shown).textContent());
  }

  async goOffline(): Promise<void> {
    await this.page.context().setOffline(true);
    this.#line.cut();
    await this.untilOffline();
  }

  async goOnline(): Promise<void> {
    this.#line.mend();
    await this.page.context().setOffline(false);
  }
}

interface Throw {
  readonly player: string;
  readonly points: number;
}

async function rows<Row>(table: string): Promise<Row[]> {
  const lines = await server.runOfficial("data", table, "--format", "jsonl", "--limit", "1000");
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

test("300 throws of two players, one of them offline for a while, beside a server that is killed twice, count once each", async () => {
  const [ann, bob] = await Promise.all([Player.join("ann"), Player.join("bob")]);
  const both = [ann, bob];

  await ann.throwDice(40);
  await bob.untilCount(40);
  await bob.throwDice(10);
  await ann.untilCount(50);

  await ann.goOffline();
  await ann.throwDice(30);
  await ann.page.getByText("30 of your throws").waitFor();
  await bob.throwDice(20);
  await bob.untilCount(70);
  expect(await ann.number("count")).toBe(50);
  await ann.goOnline();
  for (const player of both) await player.untilCount(100);

  // It dies under way, and again when it has come back: what was sent is sent again, what was not is sent first then.
  for (const killedBy of [200, 300]) {
    for (const player of both) await player.throwDice(40);
    await bob.untilCountIsOver(killedBy - 95);
    await server.kill();
    for (const player of both) await player.untilOffline();
    for (const player of both) await player.throwDice(10);
    await server.restart();
    for (const player of both) await player.untilCount(killedBy);
  }

  const throws = await rows<Throw>("throws");
  const sum = throws.reduce((total, { points }) => total + points, 0);
  const users = await rows<{ _id: string; email: string }>("users");
  expect(throws).toHaveLength(300);
  for (const { name } of both) {
    const { _id } = users.find(({ email }) => email.startsWith(name))!;
    expect(throws.filter(({ player }) => player === _id)).toHaveLength(name === "ann" ? 170 : 130);
  }
  for (const player of both) {
    const { _id } = users.find(({ email }) => email.startsWith(player.name))!;
    const best = Math.max(...throws.filter(({ player: by }) => by === _id).map(({ points }) => points));
    expect(await player.number("rank")).toBe(throws.filter(({ points }) => points > best).length + 1);
    expect(await player.number("sum")).toBe(sum);
  }
}, 180_000);

test("a player stays signed in over a reload, until signing out, and comes back with the password only", async () => {
  const ann = await Player.join("cleo");
  await ann.page.reload();
  await ann.throwDice(1);
  await ann.page.getByTestId("rank").waitFor();
  await ann.page.getByRole("button", { name: "Sign out" }).click();
  for (const _visit of ["this one", "the next"]) {
    await ann.page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await ann.page.getByRole("button", { name: "Throw" }).count()).toBe(0);
    await ann.page.reload();
  }
  await ann.page.getByPlaceholder("Email").fill("cleo@example.com");
  await ann.page.getByPlaceholder("Password").fill("wrong horse");
  await ann.page.getByRole("button", { name: "Sign in" }).click();
  await ann.page.getByText("No such player").waitFor();
  await ann.fillIn("Sign in");
  await ann.page.getByTestId("rank").waitFor();
}, 180_000);
