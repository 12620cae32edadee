/**
 * `.env.local` of an app: reads its variables as the official CLI does, and sets some without touching anything else in
 * the file. Lines that are there keep their place and their bytes; a new line goes to the end.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "dotenv";

/** Variables by name. */
export type EnvVariables = Readonly<NodeJS.Dict<string>>;

/**
 * The text with these variables set: in place of the last line that names one, else at the end.
 *
 * @param variables Their values must not be empty, and hold neither a quote nor a line end.
 */
export function setEnv(text: string, variables: Readonly<Record<string, string>>): string {
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text === "" ? [] : text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  for (const [name, value] of Object.entries(variables)) {
    const known = parse(lines.join("\n"))[name];
    if (known === value) continue;
    const assignment = `${name}='${value}'`;
    // A line that names a variable which is not read lies inside a value of several lines.
    const place = known === undefined ? -1 : lines.findLastIndex((line) => parse(line)[name] !== undefined);
    if (place < 0) lines.push(assignment);
    else lines[place] = assignment;
  }
  return lines.map((line) => line + lineEnd).join("");
}

/** The variables that the app's files define; those of `.env.local` go before those of `.env`. */
export function readAppEnv(root: string): EnvVariables {
  return { ...parse(readText(join(root, ".env"))), ...parse(readText(join(root, ".env.local"))) };
}

/** Sets variables in `.env.local`, which it creates readable by the user only. */
export function writeEnvLocal(root: string, variables: Readonly<Record<string, string>>): void {
  const path = join(root, ".env.local");
  const before = readText(path);
  const after = setEnv(before, variables);
  if (after !== before) writeFileSync(path, after, { mode: 0o600 });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
