/**
 * `npm run soak`: ten minutes of all that an app does at once, against `trueup start`, while the server is killed, told to
 * end and deployed to. It fails when anything was lost, doubled, wrong or left in memory. Options: see `--help`.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { removeFolder, temporaryFolder } from "../harness/folders.js";
import { table } from "../harness/report.js";
import { checkAll, type Outcome } from "./checks.js";
import { Issuer } from "./issuer.js";
import { kinds, Ledger, type Minute } from "./ledger.js";
import { StartedServer } from "./started-server.js";
import { attack, callOverHttp, hangNowAndThen, Watcher } from "./traffic.js";

const { minutes, clients, json } = new Command("soak")
  .option("--minutes <number>", "how long the traffic lasts", Number, 10)
  .option("--clients <number>", "how many users watch and write", Number, 8)
  .option("--json <file>", "where to write what was measured and found")
  .parse()
  .opts<{ minutes: number; clients: number; json?: string }>();

const sampleMs = 2_000;
const totalMs = minutes * 60_000;
/** What is done to the server, by shares of the time: all in the first half, so that the second shows whether memory grows. */
const disturbances: readonly (readonly [share: number, what: "kill -9" | "SIGTERM" | "deploy"])[] = [
  [0.1, "kill -9"],
  [0.2, "SIGTERM"],
  [0.3, "deploy"],
  [0.4, "kill -9"],
  [0.45, "SIGTERM"],
];

const folder = temporaryFolder();
const issuer = await Issuer.open();
const server = await StartedServer.open(folder);
await server.setVariable("ISSUER", issuer.url);
await server.deploy("app");

const ledger = new Ledger();
const isOver = (): boolean => ledger.elapsedMs > totalMs;
const watchers = Array.from({ length: clients }, (_, at) => {
  // Every fourth is nobody.
  return new Watcher(server.url, ledger, issuer, at % 4 === 3 ? null : `user-${at}`);
});

async function disturb(): Promise<number> {
  let lastStartMs = 0;
  for (const [share, what] of disturbances) {
    while (ledger.elapsedMs < share * totalMs) await sleep(100);
    ledger.event(what);
    if (what === "deploy") {
      await server.deploy("app-migrated");
      continue;
    }
    if (what === "kill -9") await server.kill();
    else if ((await server.stop()) !== 0) ledger.wrong.push("SIGTERM did not end it with 0");
    await server.start();
    lastStartMs = ledger.elapsedMs;
  }
  return lastStartMs;
}

async function watchMemory(): Promise<void> {
  while (!isOver()) {
    const memory = await server.memory();
    if (memory !== null) ledger.sample(memory.heapMb, memory.rssMb);
    await sleep(sampleMs);
  }
}

async function tellProgress(): Promise<void> {
  for (let told = 0; !isOver(); await sleep(200)) {
    for (; told < ledger.minutes.length - 1; told++) console.error(progress(told));
  }
}

function progress(at: number): string {
  const { ms, errors, events, samples } = ledger.minutes[at]!;
  const calls = kinds.reduce((sum, kind) => sum + ms[kind].length, 0);
  const failed = [...errors.values()].reduce((sum, count) => sum + count, 0);
  const memory = samples.at(-1)?.rssMb.toFixed(0) ?? "–";
  return `minute ${at + 1}: ${calls} calls, ${failed} refused or failed, ${memory} MB ${events.join(", ")}`;
}

const [lastStartMs] = await Promise.all([
  disturb(),
  watchMemory(),
  tellProgress(),
  ...watchers.map((watcher) => watcher.write(isOver)),
  ...[0, 1].map(() => callOverHttp(server.url, ledger, isOver)),
  hangNowAndThen(server.url, ledger, isOver),
  attack(server.url, ledger, isOver),
]);
const outcomes = await checkAll(server, ledger, watchers, lastStartMs);
for (const watcher of watchers) await watcher.close();
issuer.close();

const rows = ledger.minutes.map((minute, at) => rowOf(minute, at));
console.log(
  `\n${table(["minute", "", ...kinds.map((kind) => `${kind}: calls, p50 / p99 ms`), "heap / RSS MB"], rows)}`,
);
console.log(`\n${table(["refused or failed", "times"], errorRows())}\n`);
for (const { what, complaints } of outcomes) console.log(outcomeText({ what, complaints }));
if (json !== undefined) writeFileSync(json, JSON.stringify({ minutes: ledger.minutes.map(plain), outcomes }));
const failed = outcomes.some(({ complaints }) => complaints.length > 0);
if (failed) console.log(`\nThe data and the log of the server are in ${folder}.`);
else removeFolder(folder);
process.exit(failed ? 1 : 0);

function rowOf({ ms, events, samples }: Minute, at: number): string[] {
  const least = (what: "heapMb" | "rssMb"): string =>
    samples.length === 0 ? "–" : Math.min(...samples.map((sample) => sample[what])).toFixed(0);
  const cells = kinds.map((kind) => {
    const sorted = ms[kind].toSorted((a, b) => a - b);
    const percentile = (share: number): string =>
      sorted[Math.floor(share * sorted.length)]?.toFixed(0) ?? "–";
    return `${sorted.length}, ${percentile(0.5)} / ${percentile(0.99)}`;
  });
  return [String(at + 1), events.join(", "), ...cells, `${least("heapMb")} / ${least("rssMb")}`];
}

function errorRows(): string[][] {
  const all = new Map<string, number>();
  for (const { errors } of ledger.minutes) {
    for (const [name, count] of errors) all.set(name, (all.get(name) ?? 0) + count);
  }
  return [...all].toSorted(([, a], [, b]) => b - a).map(([name, count]) => [name, String(count)]);
}

function plain({ ms, errors, events, samples }: Minute): object {
  return { ms, errors: Object.fromEntries(errors), events, samples };
}

function outcomeText({ what, complaints }: Outcome): string {
  if (complaints.length === 0) return `holds: ${what}`;
  return `FAILS: ${what}\n${complaints
    .slice(0, 10)
    .map((each) => `  ${each}`)
    .join("\n")}\n  ${complaints.length} in all`;
}
