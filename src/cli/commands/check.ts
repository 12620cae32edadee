/**
 * `trueup check` goes through the whole data file of a stopped app, or what several servers share, and with `--repair` mends
 * what derives from documents.
 */
import { convexToJson, type Value } from "convex/values";
import type { Command } from "commander";
import {
  checkFile,
  checkShared,
  type CheckProgress,
  type DataDifference,
  type FileCheckOptions,
  type FileCheckReport,
} from "../../backend/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { verifyText } from "../aggregates/aggregate-text.js";
import { hasData } from "../app/app-folder.js";
import {
  chosenData,
  dataOption,
  isShared,
  storageOption,
  type DataOptions,
} from "../arguments/chosen-data.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { ProgressRows, type ProgressRow } from "../output/progress.js";
import { quantity } from "../output/quantities.js";
import { reportError } from "../output/report-error.js";
import type { Paint, Terminal } from "../output/terminal.js";

interface CheckCommandOptions extends DataOptions {
  readonly repair?: true;
  readonly json?: true;
}

const maxShown = 20;

export const check: CliCommand = {
  define(program: Command, terminal, start) {
    program
      .command("check")
      .description(
        "Check the data of an app: its pages, checksums, ids, indexes, counts and aggregates. A data file must not be served.",
      )
      .option("--repair", "mend what derives from documents; a file with damaged pages is made anew")
      .addOption(dataOption())
      .addOption(storageOption())
      .option("--json", "print one JSON object with what each part of the check found")
      .addHelpText("after", examples)
      .action((options: CheckCommandOptions) => start(() => run(options, terminal)));
  },
};

const examples = `
Exit codes: 0 when nothing is wrong, or --repair mended everything; 2 when something is wrong, or is
left; 75 when the app runs.

Examples:
  $ trueup check
  $ trueup check --repair
  $ trueup check --data /var/lib/app --json
`;

async function run(options: CheckCommandOptions, terminal: Terminal): Promise<ExitCode> {
  const { repair, json } = options;
  const data = chosenData(options, terminal);
  if (!isShared(data) && !hasData(data)) {
    throw new TrueupError("DATA_FILE_MISSING", undefined, { file: data.dataFile });
  }
  const display = new ProgressRows(terminal.stderr);
  let report: FileCheckReport;
  try {
    const how: FileCheckOptions = {
      repair: repair === true,
      codeFolder: data.codeFolder,
      onProgress: (progress) => display.show([progressRow(progress)]),
    };
    report = await (isShared(data) ? checkShared(data.storage, how) : checkFile(data.dataFile, how));
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") throw error;
    reportError(error, terminal, { json: json === true });
    return exitCodes.drifted;
  } finally {
    display.end();
  }
  const { stdout } = terminal;
  stdout.line(json ? jsonOf(report) : checkText(report, stdout.paint));
  return report.remaining > 0 ? exitCodes.drifted : exitCodes.success;
}

function progressRow({ step, checked, total }: CheckProgress): ProgressRow {
  const of = total === null ? "" : `/${quantity(Math.max(total, checked))}`;
  return { name: step, step, processed: checked, total, text: `checked ${quantity(checked)}${of}` };
}

/** The report as JSON. Results of aggregates are in Convex's encoding: keys may be values that JSON does not have. */
function jsonOf({ aggregates, ...report }: FileCheckReport): string {
  const results: unknown = aggregates;
  return JSON.stringify({ ...report, aggregates: convexToJson(results as Value) });
}

function checkText(report: FileCheckReport, paint: Paint): string {
  const { storage, data, aggregates, unchecked, remaining, lostLog, rebuilt } = report;
  const { tables, documents, differences } = data;
  const damages = storage?.damages ?? [];
  const lines: string[] = [];
  if (lostLog !== undefined) lines.push(paint.red(`lost: ${lostLog}`));
  if (rebuilt !== undefined) {
    lines.push(`made anew of ${quantity(rebuilt.entries)} entries; the damaged file is ${rebuilt.keptAs}`);
  }
  if (storage !== null) {
    const found = damages.length === 0 ? "no damage" : `${quantity(damages.length)} damaged`;
    lines.push(colour(paint, damages.length)(`file: ${found}, ${quantity(storage.entries)} entries`));
    lines.push(
      ...shown(damages.map(({ kind, key, message }) => [kind, key, message].filter(Boolean).join("  "))),
    );
  }
  const open = differences.filter(({ fixed }) => !fixed).length;
  const kinds = [...new Set(differences.map(({ kind }) => kind))];
  const counts = kinds
    .map((each) => `${quantity(differences.filter(({ kind }) => kind === each).length)} ${each}`)
    .join(", ");
  const found =
    differences.length === 0 ? "no differences" : `${quantity(differences.length)} differences (${counts})`;
  lines.push(
    colour(paint, open)(`data: ${found}, ${quantity(documents)} documents in ${quantity(tables)} tables`),
    ...shown(differences.map(differenceText)),
    ...aggregates.map((result) => verifyText(result, paint)),
    ...unchecked.map((sentence) => paint.yellow(sentence)),
  );
  if (remaining > 0) lines.push(paint.red(`${quantity(remaining)} left`));
  return lines.join("\n");
}

function differenceText(difference: DataDifference): string {
  const { kind, componentPath, table, index, documentId, key, message, fixed } = difference;
  const where = [componentPath, table, index].filter(Boolean).join("/");
  const mark = fixed ? "(mended)" : "";
  return [kind, where, documentId ?? key, message, mark].filter(Boolean).join("  ");
}

function shown(lines: readonly string[]): string[] {
  const more = lines.length - maxShown;
  return [
    ...lines.slice(0, maxShown).map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${quantity(more)} more: --json has them all`] : []),
  ];
}

function colour(paint: Paint, problems: number): (text: string) => string {
  return problems === 0 ? paint.green : paint.red;
}
