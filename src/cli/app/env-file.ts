/**
 * `.env.local` of an app: reads its variables as the official CLI does, and sets some without touching anything else in
 * the file. Lines that are there keep their place and their bytes; a new line goes to the end.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "dotenv";

/** Variables by name. */
export type EnvVariables = Readonly<NodeJS.Dict<string>>;

/**
 * The text with these variables set, each on the last line that names it, else at the end; where a value of several
 * lines or a quote without its end is in the way, on the first line that changes no other variable.
 *
 * @param variables Their values must not be empty, and hold no quote, `#`, blank or line end.
 */
export function setEnv(text: string, variables: Readonly<Record<string, string>>): string {
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  let lines = text === "" ? [] : text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  for (const [name, value] of Object.entries(variables)) {
    const before = parse(lines.join("\n"));
    if (before[name] === value) continue;
    const wanted = { ...before, [name]: value };
    const ways = waysToSet(lines, name, value);
    lines = ways.find((way) => isDeepStrictEqual({ ...parse(way.join("\n")) }, wanted)) ?? ways[0];
  }
  return lines.map((line) => line + lineEnd).join("");
}

/** The lines with the variable set at each place that may do, with each kind of quote, the best first. */
function waysToSet(lines: readonly string[], name: string, value: string): [string[], ...string[][]] {
  const namedAt = [...lines.keys()]
    .filter((index) => parse(lines[index] ?? "")[name] !== undefined)
    .reverse();
  const ways = ["'", '"', ""].flatMap((quote) => {
    const assignment = `${name}=${quote}${value}${quote}`;
    return [
      ...namedAt.map((index) => lines.with(index, assignment)),
      [...lines, assignment],
      [assignment, ...lines],
    ];
  });
  return ways as [string[], ...string[][]];
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
