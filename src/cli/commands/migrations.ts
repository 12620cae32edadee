/** `trueup migrations`: every migration, transform and pending schema with how far it is, once or live. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { isTrueupError } from "../../errors/index.js";
import type { CliCommand } from "../command.js";
import { findApp } from "../app/find-app.js";
import { connect } from "../connection/connect.js";
import type { Connection } from "../connection/connection.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { fetchMigrations, withAverageRate, type MigrationRow } from "../migrations/migration-rows.js";
import { migrationTable } from "../migrations/migration-table.js";
import { MigrationRates } from "../migrations/migration-rates.js";
import { schemaRows } from "../migrations/schema-rows.js";
import { steerMigration, type Deed, type SteerOptions } from "../migrations/steer-migration.js";
import { MigrationDisplay } from "../migrations/migration-display.js";
import { pause, type Terminal } from "../output/terminal.js";

interface MigrationsOptions {
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
        "List every migration, transform and pending schema with state, documents, rate and last error; steer them.",
      )
      .option("--watch", "keep the list live, with a progress bar each on a terminal, until Ctrl-C")
      .option("--component <path>", "where the migrations component is mounted", "migrations")
      .option("--json", "print the list as a JSON array; with --watch one per line whenever it changes")
      .addHelpText("after", examples)
      .action((options: MigrationsOptions) => start(() => show(options, terminal)));
    for (const [deed, description] of deeds) {
      const sub = command
        .command(`${deed} <migration>`)
        .description(description)
        .option("--json", "print one JSON document");
      if (["run", "resume", "retry", "revert", "verify"].includes(deed)) {
        sub.option("--detach", "leave the work to the server, or to whoever opens the data file next");
      }
      if (deed === "run") {
        sub
          .option("--dry-run", "one batch, shown with every difference and rolled back")
          .option("--full", "with --dry-run: all of it, rolled back batch by batch")
          .option("--reset", "begin again");
      }
      if (deed === "run" || deed === "tune") {
        sub
          .option("--batch-size <documents>", "in place of what the definition says", wholeNumber)
          .option("--rate <documents>", "at most so many documents a second", wholeNumber)
          .addOption(
            new Option("--on-error <what>", "what to do with a document that fails").choices([
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
  ["run", "Start a migration, or resume it where it stopped, and wait for its end."],
  ["pause", "Stop it until it is resumed."],
  ["resume", "Let one that is paused, cancelled or failed go on."],
  ["cancel", "Stop it; starting it again resumes it."],
  ["retry", "Migrate the documents in quarantine again."],
  ["revert", "Undo it with its `down`, as far as it has come."],
  ["verify", "Count the documents that are not as its `isMigrated` wants them."],
  ["tune", "Change batch size, rate or treatment of errors, also while it runs."],
  ["history", "Its runs, latest first."],
];

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1.");
  return Number(text);
}

/** Of `trueup migrations <deed> <name>`. */
async function steer(deed: Deed, name: string, options: SteerOptions, terminal: Terminal): Promise<ExitCode> {
  const runs = !["pause", "cancel", "tune", "history"].includes(deed) && options.detach === undefined;
  const app = findApp(terminal.folder);
  const log = (line: string): void => terminal.stderr.line(line);
  const connection = await connect(app, { runScheduled: runs, env: terminal.env, log });
  try {
    return await steerMigration(connection, app, deed, name, options, terminal);
  } finally {
    await connection.close();
  }
}

const examples = `
Examples:
  $ trueup migrations
  $ trueup migrations --watch
  $ trueup migrations --json | jq '.[] | select(.state == "failed")'
  $ trueup migrations run addRole --dry-run
  $ trueup migrations run addRole --rate 2000 --on-error quarantine
  $ trueup migrations retry addRole
  $ trueup migrations revert teams/plans:addPlan
`;

async function show(options: MigrationsOptions, terminal: Terminal): Promise<ExitCode> {
  const app = findApp(terminal.folder);
  const connection = await connect(app, {
    runScheduled: options.watch === true,
    env: terminal.env,
    log: (line) => {
      if (!options.watch || !terminal.stdout.isTerminal) terminal.stderr.line(line);
    },
  });
  try {
    if (options.watch) await watch(connection, options, terminal);
    else {
      const rows = await fetchAll(connection, options);
      print(
        rows.map((row) => withAverageRate(row, Date.now())),
        options,
        terminal,
      );
    }
    return exitCodes.success;
  } finally {
    await connection.close();
  }
}

/** Migrations, then what goes on behind deploys. An app may have only the latter, and no component. */
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
  const display = options.json ? undefined : new MigrationDisplay(terminal.stdout);
  let shown = "";
  try {
    while (!terminal.interrupted.aborted) {
      const rows = rates.apply(await fetchAll(connection, options), Date.now());
      const text = JSON.stringify(rows);
      if (text !== shown && options.json) terminal.stdout.line(text);
      display?.show(rows);
      shown = text;
      await pause(watchIntervalMs, terminal.interrupted);
    }
  } finally {
    display?.end();
  }
}
