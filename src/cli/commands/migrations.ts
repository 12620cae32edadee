/** `trueup migrations`: every migration, transform and pending schema with how far it is, once or live. */
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
    program
      .command("migrations")
      .description(
        "List every migration, transform and pending schema with state, documents, rate and last error.",
      )
      .option("--watch", "keep the list live, with a progress bar each on a terminal, until Ctrl-C")
      .option("--component <path>", "where the migrations component is mounted", "migrations")
      .option("--json", "print the list as a JSON array; with --watch one per line whenever it changes")
      .addHelpText("after", examples)
      .action((options: MigrationsOptions) => start(() => show(options, terminal)));
  },
};

const examples = `
Examples:
  $ trueup migrations
  $ trueup migrations --watch
  $ trueup migrations --json | jq '.[] | select(.state == "failed")'
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
