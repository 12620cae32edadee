/** The table of commands: one file each, in the order in which `trueup --help` lists them. */
import { aggregates } from "./commands/aggregates.js";
import { check } from "./commands/check.js";
import { dev } from "./commands/dev.js";
import { migrations } from "./commands/migrations.js";
import { plan } from "./commands/plan.js";
import { run } from "./commands/run.js";
import type { CliCommand } from "./command.js";

export const commands: readonly CliCommand[] = [dev, run, migrations, aggregates, plan, check];
