/** `trueup aggregates` lists every managed aggregate with its state, once or live, and verifies and repairs them. */
import { convexToJson, type Value } from "convex/values";
import type { Command } from "commander";
import type { AggregateOverview, VerifyResult } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { aggregateLine, aggregateTable, driftLines, verifyText } from "../aggregates/aggregate-text.js";
import { verifyAggregates } from "../aggregates/verify-aggregates.js";
import { chosenData, dataOption, storageOption, type DataOptions } from "../arguments/chosen-data.js";
import { assertNoOtherCommand, type CliCommand } from "../command.js";
import { withConnection } from "../connection/connect.js";
import type { Connection } from "../connection/connection.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { ProgressRows, type ProgressRow } from "../output/progress.js";
import { pause, type Terminal } from "../output/terminal.js";

interface ListOptions extends DataOptions {
  readonly watch?: true;
  readonly json?: true;
}

const watchIntervalMs = 500;

export const aggregates: CliCommand = {
  define(program, terminal, start) {
    const command: Command = program
      .command("aggregates")
      .description(
        "List every managed aggregate with its state, items, sum, size and drift, or verify or repair them.",
      )
      .addOption(dataOption())
      .addOption(storageOption())
      .option("--watch", "keep the list up to date until Ctrl-C, with progress bars on a terminal")
      .option(
        "--json",
        "print the list as a JSON array; with --watch, print it again on a line of its own whenever it changes",
      )
      .addHelpText("after", examples)
      .allowExcessArguments()
      .action((options: ListOptions, own: Command) => {
        assertNoOtherCommand(own);
        return start(() => list(options, terminal));
      });
    for (const [name, description] of [
      ["verify", "Compare one aggregate, or all of them, with their tables while the app goes on."],
      ["repair", "Verify, and mend exactly what differs."],
    ] as const) {
      command
        .command(`${name} [aggregate]`)
        .description(description)
        .addOption(dataOption())
        .addOption(storageOption())
        .option("--json", "print one JSON array with the report of each aggregate, every difference included")
        .action((aggregate: string | undefined, _options: ListOptions, own: Command) =>
          start(() => verify(aggregate, name === "repair", own.optsWithGlobals<ListOptions>(), terminal)),
        );
    }
  },
};

const examples = `
Exit codes: 0 when all are ready and none is known to differ from its table, 2 when one differs or
cannot be built, 3 when one is still being built. verify ends with 2 when it found differences,
repair with 2 when some are left.

Examples:
  $ trueup aggregates
  $ trueup aggregates --watch
  $ trueup aggregates verify
  $ trueup aggregates repair byScore --json
  $ trueup aggregates --data /var/lib/app
`;

async function list(options: ListOptions, terminal: Terminal): Promise<ExitCode> {
  const runScheduled = options.watch === true;
  return await withConnection(
    chosenData(options, terminal),
    terminal,
    { runScheduled },
    async (connection) => {
      if (options.watch) {
        await watch(connection, options, terminal);
        return exitCodes.success;
      }
      const rows = await connection.aggregates.list();
      if (options.json) terminal.stdout.line(jsonOf(rows));
      else if (rows.length === 0) terminal.stdout.line("The app exports no managed aggregate.");
      else terminal.stdout.line(aggregateTable(rows, Date.now(), terminal.stdout.paint));
      if (!options.json) for (const line of driftLines(rows, Date.now())) terminal.stdout.line(line);
      return healthOf(rows);
    },
  );
}

function healthOf(rows: readonly AggregateOverview[]): ExitCode {
  if (rows.some(({ state, drift, error }) => state === "failed" || error !== null || (drift ?? 0) > 0)) {
    return exitCodes.drifted;
  }
  return rows.every(({ state }) => state === "ready") ? exitCodes.success : exitCodes.building;
}

async function watch(connection: Connection, options: ListOptions, terminal: Terminal): Promise<void> {
  const display = options.json ? undefined : new ProgressRows(terminal.stdout);
  let shown = "";
  try {
    while (!terminal.interrupted.aborted) {
      const rows = await connection.aggregates.list();
      const text = jsonOf(rows);
      if (text !== shown && options.json) terminal.stdout.line(text);
      display?.show(rows.map(progressRow));
      shown = text;
      await pause(watchIntervalMs, terminal.interrupted);
    }
  } finally {
    display?.end();
  }
}

function progressRow(row: AggregateOverview): ProgressRow {
  const { name, state, processed, total } = row;
  return { name, step: state, processed, total, text: aggregateLine(row).slice(name.length + 1) };
}

async function verify(
  name: string | undefined,
  repair: boolean,
  options: ListOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  return await withConnection(
    chosenData(options, terminal),
    terminal,
    { runScheduled: false },
    async (connection) => {
      const known = (await connection.aggregates.list()).map((row) => row.name);
      if (name !== undefined && !known.includes(name)) throw notFound(name, known);
      const names = name === undefined ? known : [name];
      const display = new ProgressRows(terminal.stderr);
      let results: VerifyResult[];
      try {
        const { interrupted } = terminal;
        const show = (row: ProgressRow): void => display.show([row]);
        results = await verifyAggregates(connection.aggregates, names, { repair, show, interrupted });
      } finally {
        display.end();
      }
      if (options.json) terminal.stdout.line(jsonOf(results));
      else if (names.length === 0) terminal.stdout.line("The app exports no managed aggregate.");
      else for (const result of results) terminal.stdout.line(verifyText(result, terminal.stdout.paint));
      if (terminal.interrupted.aborted) return exitCodes.interrupted;
      return results.some(({ remaining }) => remaining > 0) ? exitCodes.drifted : exitCodes.success;
    },
  );
}

function notFound(name: string, known: readonly string[]): TrueupError {
  const list = known.length === 0 ? "It exports none." : `It exports: ${known.join(", ")}.`;
  return new TrueupError("AGGREGATE_NOT_FOUND", `The app exports no managed aggregate '${name}'. ${list}`, {
    name,
    names: known,
  });
}

/** The value as JSON in Convex's encoding: keys of items may be values that JSON does not have. */
function jsonOf(value: unknown): string {
  return JSON.stringify(convexToJson(value as Value));
}
