/** The options by which commands are told where the data lies. */
import { resolve } from "node:path";
import { Option } from "commander";
import { sharedStorage, type SharedStorage } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { dataFolderOf, findApp, hasData, type DataFolder } from "../app/app-folder.js";
import type { Terminal } from "../output/terminal.js";

export interface DataOptions {
  readonly data?: string;
  readonly storage?: string;
}

/** Data that any number of processes have open at once. */
export interface SharedData {
  readonly storage: SharedStorage;
  /** As that of a `DataFolder`. */
  readonly codeFolder: string;
}

/** The data of one app: a file that one process has open, or what several processes share. */
export type AppData = DataFolder | SharedData;

export function isShared(data: AppData): data is SharedData {
  return "storage" in data;
}

/** The environment's way to say `--storage`, which other users of the machine cannot read. */
const storageVariable = "TRUEUP_STORAGE";

export function dataOption(): Option {
  return new Option("--data <folder>", "the folder of the data; .trueup when left out");
}

export function storageOption(): Option {
  return new Option(
    "--storage <address>",
    `a Postgres that has the data, in place of a folder; or ${storageVariable} in the environment`,
  );
}

/**
 * The data that a command opens. Where there is data, no app is needed around it; who leaves the options out where there is
 * none is told whether this folder is an app's. @throws INVALID_USAGE, STORAGE_ADDRESS_INVALID, and as `findApp`
 */
export function chosenData(options: DataOptions, terminal: Pick<Terminal, "folder" | "env">): AppData {
  const { folder } = terminal;
  const shared = sharedData(options, terminal);
  if (shared !== null) return shared;
  const chosen = dataFolderOf(folder, options.data);
  return options.data !== undefined || hasData(chosen) ? chosen : findApp(folder);
}

/**
 * The shared data that the options or the environment name; null where they name none. The address, which may hold a password,
 * is kept from the list of processes, and from the environment of the app's functions.
 * @throws INVALID_USAGE, STORAGE_ADDRESS_INVALID
 */
export function sharedData(
  { data, storage }: DataOptions,
  { folder, env }: Pick<Terminal, "folder" | "env">,
): SharedData | null {
  if (data !== undefined && storage !== undefined) {
    throw new TrueupError("INVALID_USAGE", "--data and --storage both name the data: leave one of them out.");
  }
  if (storage !== undefined) process.title = "trueup";
  const address = storage ?? (data === undefined ? env[storageVariable] : undefined);
  delete process.env[storageVariable];
  if (address === undefined || address === "") return null;
  return { storage: sharedStorage(address), codeFolder: resolve(folder, ".trueup", "code") };
}

/**
 * A command line that names no storage, with the environment that names it instead: every user of a machine can read the
 * command lines of all processes, and an address may hold a password.
 */
export function withHiddenStorage(line: readonly string[]): {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const args: string[] = [];
  let address: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const arg = line[at] ?? "";
    if (arg === "--storage") address = line[++at];
    else if (arg.startsWith("--storage=")) address = arg.slice("--storage=".length);
    else args.push(arg);
  }
  return { args, env: address === undefined ? {} : { [storageVariable]: address } };
}
