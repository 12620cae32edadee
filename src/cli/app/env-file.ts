/**
 * `.env.local` of an app: reads variables, and sets two of them without touching anything else in the file.
 * Reads the forms that dotenv does: `NAME=value`, `export NAME="value"`, comments after a space and `#`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const linePattern = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/;

/** The variables of an env file's text; the last line of a name wins. */
export function parseEnv(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, raw = ""] = linePattern.exec(line) ?? [];
    if (name !== undefined) variables.set(name, unquote(raw.trim()));
  }
  return variables;
}

/** The text with these variables set: in place where a line names them, else at the end. */
export function setEnv(text: string, variables: Readonly<Record<string, string>>): string {
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text === "" ? [] : text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  for (const [name, value] of Object.entries(variables)) {
    const assignment = `${name}='${value}'`;
    const places = lines.flatMap((line, index) => (linePattern.exec(line)?.[1] === name ? [index] : []));
    const last = places.at(-1);
    if (last === undefined) lines.push(assignment);
    else if (unquote((linePattern.exec(lines[last] ?? "")?.[2] ?? "").trim()) !== value) {
      lines[last] = assignment;
    }
  }
  return lines.map((line) => line + lineEnd).join("");
}

/** Variables that the app's files define, as the official CLI finds them: `.env.local` before `.env`. */
export function readAppEnv(root: string): Map<string, string> {
  return new Map([
    ...parseEnv(readText(join(root, ".env"))),
    ...parseEnv(readText(join(root, ".env.local"))),
  ]);
}

/** Sets variables in `.env.local`, created readable by the user only; returns whether the file changed. */
export function writeEnvLocal(root: string, variables: Readonly<Record<string, string>>): boolean {
  const path = join(root, ".env.local");
  const before = readText(path);
  const after = setEnv(before, variables);
  if (after !== before) writeFileSync(path, after, { mode: 0o600 });
  return after !== before;
}

function unquote(raw: string): string {
  const quoted = /^(["'`])(.*?)\1/.exec(raw);
  return quoted?.[2] ?? raw.replace(/\s+#.*$/, "");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
