/** `trueup keys` makes, lists and revokes the keys of admins, in the running server or in the data of a stopped one. */
import type { Command } from "commander";
import type { AdminKey } from "../../backend/index.js";
import { chosenData, dataOption, storageOption, type DataOptions } from "../arguments/chosen-data.js";
import type { CliCommand } from "../command.js";
import { withConnection } from "../connection/connect.js";
import type { KeyWork } from "../connection/connection.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { table } from "../output/table.js";
import type { Terminal } from "../output/terminal.js";

interface KeysOptions extends DataOptions {
  readonly json?: true;
}

export const keys: CliCommand = {
  define(program, terminal, start) {
    const command = program
      .command("keys")
      .description("Make, list and revoke the keys of admins, who may do everything over the wire.")
      .addHelpText("after", examples);
    const add = (sub: Command): Command =>
      sub.addOption(dataOption()).addOption(storageOption()).option("--json", "print one line of JSON");
    add(command.command("add <name>").description("Make a key, and print it: it is not told again.")).action(
      (name: string, options: KeysOptions) =>
        start(() =>
          withKeys(options, terminal, async (work) => told(await work.add(name), options, terminal)),
        ),
    );
    add(command.command("list").description("List the keys by name.")).action((options: KeysOptions) =>
      start(() => withKeys(options, terminal, async (work) => listed(await work.list(), options, terminal))),
    );
    add(command.command("revoke <name>").description("Take a key back, at once.")).action(
      (name: string, options: KeysOptions) =>
        start(() =>
          withKeys(options, terminal, async (work) => {
            await work.revoke(name);
            if (options.json) terminal.stdout.line(JSON.stringify({ revoked: name }));
          }),
        ),
    );
  },
};

const examples = `
Examples:
  $ trueup keys add ci
  $ trueup keys list --data /var/lib/app
  $ trueup keys revoke ci
`;

async function withKeys(
  options: KeysOptions,
  terminal: Terminal,
  run: (work: KeyWork) => Promise<void>,
): Promise<ExitCode> {
  const data = chosenData(options, terminal);
  await withConnection(data, terminal, { runScheduled: false }, (connection) => run(connection.keys));
  return exitCodes.success;
}

function told(key: string, { json }: KeysOptions, { stdout }: Terminal): void {
  stdout.line(json ? JSON.stringify({ key }) : key);
}

function listed(all: readonly AdminKey[], { json }: KeysOptions, { stdout }: Terminal): void {
  if (json) return stdout.line(JSON.stringify(all));
  if (all.length === 0) return stdout.line("There are no keys.");
  const columns = [
    { title: "name", text: ({ name }: AdminKey) => name },
    { title: "made", text: ({ createdAtMs }: AdminKey) => new Date(createdAtMs).toISOString() },
  ];
  stdout.line(table(columns, all, stdout.paint, () => (text) => text));
}
