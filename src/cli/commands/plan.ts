/**
 * `trueup plan`: what a change of the schema does to the documents that are stored, and the way there. Its exit
 * code is the answer, so that it can hold a pull request; it needs neither a server nor data.
 */
import { Option } from "commander";
import { schemaSource, type MigrationForm } from "../../schema/index.js";
import { TrueupError } from "../../errors/index.js";
import { findApp, type AppFolder } from "../app/app-folder.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "../output/terminal.js";
import { planApp, type AppPlan } from "../plan/plan-app.js";
import { planDocument, planReport, writtenReport } from "../plan/plan-output.js";
import { usualForm, writeMigrations, type WrittenMigrations } from "../plan/write-migrations.js";

interface PlanOptions {
  readonly from?: string;
  readonly data: boolean;
  readonly rename?: readonly string[];
  readonly waive?: readonly string[];
  readonly write?: true | string;
  readonly form?: "transform" | "migrate-one";
  readonly widened?: true;
  readonly json?: true;
}

export const plan: CliCommand = {
  define(program, terminal, start) {
    program
      .command("plan")
      .description("Say what a change of the schema does to stored documents, and how to deploy it.")
      .option("--from <origin>", "what to compare with: a git ref, a file, or `deployment`")
      .option("--no-data", "compare schemas only; do not look at the deployment's documents")
      .option("--rename <old=new>", "declare a rename: users=people, users.name=fullName", collect)
      .option("--waive <waiver>", "vouch for a change: drop-field:users.legacy", collect)
      .option("--write [file]", "write the migrations into the functions folder")
      .addOption(
        new Option(
          "--form <form>",
          "what to write: a transform needs one deploy, migrate-one runs everywhere",
        ).choices(["transform", "migrate-one"]),
      )
      .option("--widened", "print only the widened schema, which documents of both shapes fit")
      .option("--json", "print one JSON document")
      .addHelpText("after", examples)
      .action((options: PlanOptions) => start(() => run(options, terminal)));
  },
};

const examples = `
Without --from: the deployment in this folder, if there is one; else the default branch of the remote
(origin/HEAD, origin/main or origin/master); else the last commit.

Exit codes: 0 safe, 2 needs a migration, 3 destroys data; others are errors.

Examples:
  $ trueup plan
  $ trueup plan --from origin/main
  $ trueup plan --from deployment --json
  $ trueup plan --rename users.name=fullName --write
  $ trueup plan --waive drop-field:users.legacy --write convex/dropLegacy.ts
  $ trueup plan --widened > convex/schema.ts
`;

const verdictCodes = {
  safe: exitCodes.success,
  needsMigration: exitCodes.needsMigration,
  destructive: exitCodes.destructive,
} as const;

async function run(options: PlanOptions, terminal: Terminal): Promise<ExitCode> {
  if (options.widened && options.json) {
    throw new TrueupError("INVALID_USAGE", "--json has the widened schema too: leave --widened out.");
  }
  const app = findApp(terminal.folder);
  const planned = await planApp({
    app,
    folder: terminal.folder,
    from: options.from,
    renames: options.rename ?? [],
    waivers: options.waive ?? [],
    readsDocuments: options.data,
    connect: async () => {
      const log = (line: string): void => terminal.stderr.line(line);
      // The engine is for a deployment only: a plan from git or a file runs where there is no database.
      const { connect } = await import("../connection/connect.js");
      return await connect(app, { runScheduled: false, env: terminal.env, log });
    },
  });
  const written = options.write === undefined ? null : write(app, planned, options, terminal);
  const { stdout, stderr } = terminal;
  if (options.json) {
    stdout.line(JSON.stringify(planDocument(planned, written), null, 2));
  } else if (options.widened) {
    const { widened } = planned.app;
    if (widened === null) stderr.line("Every document fits the new schema: there is nothing to widen.");
    else stdout.line(schemaSource(widened).trimEnd());
  } else {
    stdout.line(planReport(planned, app.root, stdout.paint));
    if (written !== null) stderr.line(writtenReport(written));
  }
  return verdictCodes[planned.verdict];
}

function write(
  app: AppFolder,
  planned: AppPlan,
  { write: file, form }: PlanOptions,
  terminal: Terminal,
): WrittenMigrations {
  const chosen: MigrationForm | undefined = form === "migrate-one" ? "migrateOne" : form;
  return writeMigrations(app, planned.app, {
    file: file === true ? undefined : file,
    folder: terminal.folder,
    form: chosen ?? usualForm(app),
    mountsMigrations: planned.components["migrations"] !== undefined,
  });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
