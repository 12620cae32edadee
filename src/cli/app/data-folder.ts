/** Finds the data of an app for commands that need nothing else of it: in a folder that is named, or in `.trueup`. */
import { join, resolve } from "node:path";
import type { DataFolder } from "./app-folder.js";

/** @param named By the option `--data`, from the working folder. */
export function dataFolderOf(workingFolder: string, named: string | undefined): DataFolder {
  const dataFolder = resolve(workingFolder, named ?? ".trueup");
  return { dataFolder, dataFile: join(dataFolder, "data.sqlite"), codeFolder: join(dataFolder, "code") };
}
