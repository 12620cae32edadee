/** `trueup migrations` lists every migration, transform and pending schema with its progress, once or live, and steers them. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { isTrueupError } from "../../errors/index.js";
import { assertNoOtherCommand, type CliCommand } from "../command.js";
import { chosenData, dataOption, storageOption, type DataOptions } from "../arguments/chosen-data.js";
import { withConnection } from "../connection/connect.js";
import type { Connection } from "../connection/connection.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import {
  fetchMigrations,
  MigrationRates,
  schemaRows,
  withAverageRate,
  type MigrationRow,
} from "../migrations/migration-rows.js";
import { migrationTable, progressText } from "../migrations/migration-text.js";
import { steerMigration, type Deed, type SteerOptions } from "../migrations/steer-migration.js";
import { ProgressRows, type ProgressRow } from "../output/progress.js";
import { pause, type Terminal } from "../output/terminal.js";

interface MigrationsOptions extends DataOptions {
  readonly component: string;
  readonly watch?: true;
  readonly json?: true;
}

const watchIntervalMs = 500;

export const migrations: CliCommand = {
  define(program, terminal, start) {
    const command: Command = program
      .command("migrations")
      .description(
        "List every migration, transform and pending schema with its state and progress, or steer one of them.",
      )
      .addOption(dataOption())
      .addOption(storageOption())
      .option("--watch", "keep the list up to date until Ctrl-C, with progress bars on a terminal")
      .option("--component <path>", "the path at which the migrations component is mounted", "migrations")
      .option(
        "--json",
        "print the list as a JSON array; with --watch, print it again on a line of its own whenever it changes",
      )
      .addHelpText("after", examples)
      .allowExcessArguments()
      .action((options: MigrationsOptions, own: Command) => {
        assertNoOtherCommand(own);
        return start(() => show(options, terminal));
      });
    for (const [deed, description] of deeds) {
      const sub = command
        .command(`${deed} <migration>`)
        .description(description)
        .addOption(dataOption())
        .addOption(storageOption())
        .option("--json", "print one JSON document");
      if (["run", "resume", "retry", "revert", "verify"].includes(deed)) {
        sub.option(
          "--detach",
          "leave the work to the server, or to the next command that opens the data file",
        );
      }
      if (deed === "run") {
        sub
          .option("--dry-run", "migrate one batch, show every difference, and roll it back")
          .option("--full", "with --dry-run: migrate everything, and roll back each batch")
          .option("--reset", "start over from the first document");
      }
      if (deed === "run" || deed === "tune") {
        sub
          .option("--batch-size <documents>", "migrate this many documents in a batch", wholeNumber)
          .option("--rate <documents>", "migrate at most this many documents per second", wholeNumber)
          .addOption(
            new Option("--on-error <what>", "what happens to a document that fails").choices([
              "stop",
              "quarantine",
            ]),
          );
      }
      sub.action((name: string, _options: object, own: Command) =>
        start(() => steer(deed, name, own.optsWithGlobals<SteerOptions>(), terminal)),
      );
    }
  },
};

const deeds: readonly (readonly [Deed, string])[] = [
  ["run", "Start a migration, or resume it where it stopped, and wait until it ends."],
  ["pause", "Stop a migration until it is resumed."],
  ["resume", "Continue a migration that was paused or cancelled, or that failed."],
  ["cancel", "Stop a migration. Running it again resumes it."],
  ["retry", "Migrate the documents in quarantine again."],
  ["revert", "Undo with `down` what the migration has done so far."],
  ["verify", "Count the documents for which the migration's `isMigrated` is false."],
  ["tune", "Change batch size, rate or treatment of errors, even while the migration runs."],
  ["history", "List the migration's runs, the latest first."],
];

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a positive whole number.");
  return Number(text);
}

/** Runs `trueup migrations <deed> <name>`. */
async function steer(deed: Deed, name: string, options: SteerOptions, terminal: Terminal): Promise<ExitCode> {
  const runScheduled = !["pause", "cancel", "tune", "history"].includes(deed) && options.detach === undefined;
  return await withConnection(chosenData(options, terminal), terminal, { runScheduled }, (connection) =>
    steerMigration(connection, deed, name, options, terminal),
  );
}

const examples = `
Examples:
  $ trueup migrations
  $ trueup migrations --watch
  $ trueup migrations --json | jq '.[] | select(.state == "failed")'
  $ trueup migrations run addRole --dry-run
  $ trueup migrations run addRole --rate 2000 --on-error quarantine
  $ trueup migrations retry addRole --data /var/lib/app
  $ trueup migrations revert teams/plans:addPlan
`;

async function show(options: MigrationsOptions, terminal: Terminal): Promise<ExitCode> {
  // Lines between the bars would tear them.
  const log = (line: string): void => {
    if (!options.watch || terminal.stdout.screen === undefined) terminal.stderr.line(line);
  };
  const runScheduled = options.watch === true;
  return await withConnection(
    chosenData(options, terminal),
    terminal,
    { runScheduled, log },
    async (connection) => {
      if (options.watch) await watch(connection, options, terminal);
      else {
        const rows = await fetchAll(connection, options);
        const nowMs = Date.now();
        print(
          rows.map((row) => withAverageRate(row, nowMs)),
          options,
          terminal,
        );
      }
      return exitCodes.success;
    },
  );
}

/** The migrations, then what goes on behind deploys. An app without the component may have only the latter. */
async function fetchAll(connection: Connection, { component }: MigrationsOptions): Promise<MigrationRow[]> {
  const others = schemaRows(await connection.schemaChanges());
  try {
    return [...(await fetchMigrations(connection, component)), ...others];
  } catch (error) {
    if (others.length > 0 && isTrueupError(error) && error.code === "COMPONENT_MISSING") return others;
    throw error;
  }
}

function print(rows: readonly MigrationRow[], options: MigrationsOptions, terminal: Terminal): void {
  if (options.json) terminal.stdout.line(JSON.stringify(rows));
  else if (rows.length === 0) terminal.stdout.line("No migration has run yet.");
  else terminal.stdout.line(migrationTable(rows, terminal.stdout.paint));
}

async function watch(connection: Connection, options: MigrationsOptions, terminal: Terminal): Promise<void> {
  const rates = new MigrationRates();
  const display = options.json ? undefined : new ProgressRows(terminal.stdout);
  let shown = "";
  try {
    while (!terminal.interrupted.aborted) {
      const rows = rates.apply(await fetchAll(connection, options), Date.now());
      const text = JSON.stringify(rows);
      if (text !== shown && options.json) terminal.stdout.line(text);
      display?.show(rows.map(progressRow));
      shown = text;
      await pause(watchIntervalMs, terminal.interrupted);
    }
  } finally {
    display?.end();
  }
}

function progressRow(row: MigrationRow): ProgressRow {
  const { name, state, processed, total = null } = row;
  return { name, step: state, processed, total, text: progressText(row) };
}
