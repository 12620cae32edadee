/** The ways to name a function on the command line, as the official CLI takes them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { functionsFolderOf } from "../app/app-folder.js";

const extension = /\.[cm]?[jt]sx?$/;

/**
 * Brings a name to the form that calls use: `api.dir.mod.fn`, `dir/mod:fn`, `dir/mod` (its default export) or `convex/dir/mod:fn`
 * → `dir/mod:fn`.
 *
 * @param root The folder of the app, which may be elsewhere: functions are in `convex/` then.
 * @throws INVALID_USAGE for a name with too few parts; as `functionsFolderOf`
 */
export function parseFunctionName(root: string, name: string): string {
  const parts = name.split(".");
  if (parts[0] === "api" || parts[0] === "internal") {
    const path = parts.slice(1, -1).join("/");
    if (path === "") throw new TrueupError("INVALID_USAGE", `The function's name has too few parts: ${name}`);
    return `${path}:${parts.at(-1)}`;
  }
  const [file = "", exportName = "default"] = name.split(":");
  if (file === "" || exportName === "") {
    throw new TrueupError(
      "INVALID_USAGE",
      `A function is named like messages:list, not ${JSON.stringify(name)}.`,
    );
  }
  return `${withoutFolder(root, file.replace(extension, ""))}:${exportName}`;
}

/** Removes the functions' folder from the front of a path, unless that folder holds a folder of the same name. */
function withoutFolder(root: string, path: string): string {
  const folder = functionsFolderOf(root);
  const prefix = `${folder}/`;
  if (!path.startsWith(prefix) || existsSync(join(root, prefix, folder))) return path;
  return path.slice(prefix.length);
}
