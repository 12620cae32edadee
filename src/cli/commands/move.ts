/** `trueup move` moves the data of a stopped app to another place, and `--undo` takes that back. */
import { join, resolve } from "node:path";
import { statSync } from "node:fs";
import { dataPlace, isPostgresAddress } from "../../backend/index.js";
import { moveData, undoMove, type MoveReport } from "../../transfer/index.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { ProgressRows } from "../output/progress.js";
import { quantity } from "../output/quantities.js";
import type { Terminal } from "../output/terminal.js";

interface MoveCommandOptions {
  readonly undo?: true;
  readonly json?: true;
}

export const move: CliCommand = {
  define(program, terminal, start) {
    program
      .command("move <from> <to>")
      .description("Move the data of a stopped app to another place: all of it, or nothing.")
      .option("--undo", "take a move back that nothing was written after: the copy is deleted")
      .option("--json", "print one JSON object with what was moved")
      .addHelpText("after", examples)
      .action((from: string, to: string, options: MoveCommandOptions) =>
        start(() => run(from, to, options, terminal)),
      );
  },
};

const examples = `
A place is a data file (app.sqlite), the folder of one (.trueup), or a schema of a Postgres database
(postgres://user@host/database?schema=app; PGPASSWORD or a .pgpass file has the password).

Everything moves: documents with their ids and times, jobs, crons, aggregates, code, environment, keys. What
was copied is read back, counted and compared by checksum before the app can be opened in the new place; the
old one then says where the data is. A move that was killed goes on when it is run again.

Exit codes: 0 when all of it was moved; 75 when the app runs; 78 when there is data already in the new place,
or the data has been moved elsewhere.

Examples:
  $ trueup move .trueup postgres://app@db.internal/app?schema=app
  $ trueup move postgres://app@db.internal/app?schema=app /var/lib/app
  $ trueup move --undo .trueup /var/lib/app
`;

async function run(
  from: string,
  to: string,
  { undo, json }: MoveCommandOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const [source, target] = [from, to].map((address) =>
    dataPlace(isPostgresAddress(address) ? address : fileOf(address, terminal.folder)),
  );
  if (source === undefined || target === undefined) throw new Error("a move without its two places");
  const { stdout, stderr } = terminal;
  if (undo === true) {
    await undoMove(source, target);
    stdout.line(json ? JSON.stringify({ undone: true }) : `The data is at ${source.name} again.`);
    return exitCodes.success;
  }
  const display = new ProgressRows(stderr);
  let report: MoveReport;
  try {
    report = await moveData(source, target, {
      onProgress: ({ step, entries, total }) => {
        const text = `${step}: ${quantity(entries)} entries`;
        display.show([{ name: "data", step, processed: entries, total, text }]);
      },
    });
  } finally {
    display.end();
  }
  stdout.line(json ? JSON.stringify(report) : reportText(report));
  return exitCodes.success;
}

/** A path that ends with .sqlite, or at which there is a file, is a data file; any other is the folder of one. */
function fileOf(address: string, folder: string): string {
  const path = resolve(folder, address);
  const isFile = path.endsWith(".sqlite") || statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? path : join(path, "data.sqlite");
}

function reportText({ from, to, entries, bytes, sha256 }: MoveReport): string {
  return [
    `moved ${quantity(entries)} entries, ${quantity(bytes)} bytes, from ${from} to ${to}`,
    `sha256 ${sha256}, read back from the new place`,
  ].join("\n");
}
