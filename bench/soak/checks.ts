/** What must hold when the traffic has ended, of the data, of what clients were shown, and of the server's memory. */
import { isDeepStrictEqual } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { ConvexHttpClient } from "convex/browser";
import type { Ledger, Sample } from "./ledger.js";
import type { StartedServer } from "./started-server.js";
import { functions, type Board, type Watcher } from "./traffic.js";

/** How much more memory the server may take in the last third of its time than in the one before. In the first, caches fill. */
const growthMb = 50;
const patienceMs = 60_000;
const pageSize = 4000;

interface Entry {
  readonly key: string;
  readonly points: number;
  readonly square?: number;
}

export interface Outcome {
  readonly what: string;
  /** Empty when it holds. */
  readonly complaints: readonly string[];
}

/** @param lastStartMs When the server was started last, in the ledger's time. */
export async function checkAll(
  server: StartedServer,
  ledger: Ledger,
  watchers: readonly Watcher[],
  lastStartMs: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const holds = (what: string, complaints: readonly string[]): void =>
    void outcomes.push({ what, complaints });
  const ran = await untilRun(server, ledger);
  const entries = await readTable<Entry>(server, "entries");
  holds(
    "every acknowledged write is there once, and nothing else",
    onceEach(
      entries.map(({ key }) => key),
      ledger,
    ),
  );
  holds("every scheduled function ran once", scheduledOnce(ran, ledger));
  holds("what is transferred between accounts adds up to nothing", await addsUp(server));
  holds(
    "every entry was migrated",
    entries.filter(({ points, square }) => square !== points * points).map(({ key }) => key),
  );
  const board = boardOf(entries);
  const client = new ConvexHttpClient(server.url, { logger: false });
  const answered = (await client.query(functions["board"]!, {})) as Board;
  holds("aggregates answer as a count over all entries does", differences("the server", answered, board));
  holds("every client is shown that", await shownTo(watchers, board));
  holds("nothing wrong was answered meanwhile", ledger.wrong);
  holds(
    "aggregates are what their tables are",
    await complaintsOf(() => server.trueup("aggregates", "verify", "--json")),
  );
  holds(`memory does not grow by ${growthMb} MB once it has warmed up`, grown(ledger, lastStartMs));
  const code = await server.stop();
  holds("SIGTERM ends it with 0", code === 0 ? [] : [`it ended with ${String(code)}`]);
  holds("trueup check finds nothing", await complaintsOf(() => server.trueup("check", "--json")));
  return outcomes;
}

async function readTable<Row>(server: StartedServer, table: string): Promise<Row[]> {
  const client = new ConvexHttpClient(server.url, { logger: false });
  Reflect.apply(Reflect.get(client, "setAdminAuth") as (key: string) => void, client, [server.adminKey]);
  const rows: Row[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page = (await client.query(functions["page"]!, {
      table,
      paginationOpts: { numItems: pageSize, cursor },
    })) as { readonly page: Row[]; readonly isDone: boolean; readonly continueCursor: string };
    rows.push(...page.page);
    if (page.isDone) return rows;
    cursor = page.continueCursor;
  }
}

/** What has run, when all that was scheduled has, or when it is given up. */
async function untilRun(server: StartedServer, ledger: Ledger): Promise<string[]> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const ran = (await readTable<{ readonly key: string }>(server, "runs")).map(({ key }) => key);
    const known = new Set(ran);
    if ([...ledger.scheduled].every((key) => known.has(key)) || performance.now() > untilMs) return ran;
    await sleep(500);
  }
}

function onceEach(keys: readonly string[], { entries }: Ledger): string[] {
  const known = new Set(keys);
  const { acknowledged, uncertain } = entries;
  return [
    ...twice(keys),
    ...[...acknowledged].filter((key) => !known.has(key)).map((key) => `${key} is lost`),
    ...keys
      .filter((key) => !acknowledged.has(key) && !uncertain.has(key))
      .map((key) => `${key} was never sent`),
  ];
}

function scheduledOnce(ran: readonly string[], { scheduled }: Ledger): string[] {
  const known = new Set(ran);
  return [
    ...twice(ran),
    ...[...scheduled].filter((key) => !known.has(key)).map((key) => `${key} did not run`),
  ];
}

function twice(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(key).size).map((key) => `${key} is there twice`);
}

async function addsUp(server: StartedServer): Promise<string[]> {
  const accounts = await readTable<{ readonly balance: number }>(server, "accounts");
  const sum = accounts.reduce((total, { balance }) => total + balance, 0);
  return sum === 0 && accounts.length > 0 ? [] : [`the ${accounts.length} accounts add up to ${sum}`];
}

function boardOf(entries: readonly Entry[]): Board {
  const points = entries.map((entry) => entry.points);
  return {
    count: points.length,
    sum: points.reduce((total, each) => total + each, 0),
    best: points.length === 0 ? null : points.reduce((best, each) => Math.max(best, each)),
  };
}

function differences(who: string, shown: Board | null, board: Board): string[] {
  if (isDeepStrictEqual(shown, board)) return [];
  return [`${who} says ${JSON.stringify(shown)}, and there is ${JSON.stringify(board)}`];
}

async function shownTo(watchers: readonly Watcher[], board: Board): Promise<string[]> {
  const complaints = (): string[] =>
    watchers.flatMap((watcher, at) => differences(`client ${at}`, watcher.board, board));
  const untilMs = performance.now() + patienceMs;
  while (complaints().length > 0 && performance.now() < untilMs) await sleep(100);
  return complaints();
}

async function complaintsOf(command: () => Promise<string>): Promise<string[]> {
  try {
    await command();
    return [];
  } catch (error) {
    return [String(error).slice(0, 2000)];
  }
}

/** Compares the least that was in use in the middle and in the last third of the time since the last start. */
function grown({ minutes }: Ledger, lastStartMs: number): string[] {
  const samples = minutes.flatMap((minute) => minute.samples).filter(({ atMs }) => atMs > lastStartMs);
  const third = Math.floor(samples.length / 3);
  if (third < 3) return [];
  return (["heapMb", "rssMb"] as const).flatMap((what) => {
    const least = (of: readonly Sample[]): number => Math.min(...of.map((sample) => sample[what]));
    const [before, after] = [least(samples.slice(third, 2 * third)), least(samples.slice(-third))];
    return after - before < growthMb ? [] : [`${what} was ${before.toFixed(0)} and is ${after.toFixed(0)}`];
  });
}
