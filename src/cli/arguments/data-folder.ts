/** The option by which commands are told where the data lies. */
import { Option } from "commander";
import { dataFolderOf, findApp, hasData, type DataFolder } from "../app/app-folder.js";
import type { Terminal } from "../output/terminal.js";

export interface DataOptions {
  readonly data?: string;
}

export function dataOption(): Option {
  return new Option("--data <folder>", "the folder of the data; .trueup when left out");
}

/**
 * The data that a command opens. Where there is data, no app is needed around it; who leaves the option out where there is
 * none is told whether this folder is an app's. @throws as `findApp`
 */
export function chosenData({ data }: DataOptions, { folder }: Pick<Terminal, "folder">): DataFolder {
  const chosen = dataFolderOf(folder, data);
  return data !== undefined || hasData(chosen) ? chosen : findApp(folder);
}
