/**
 * The project's own source files as the tidy test sees them: path, room, text and what they import.
 * Type imports count like any other, since they tie rooms together just as much.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The path of the imported file when it is one of ours, with `.ts` for `.js`. */
  readonly target: string | undefined;
}

const folders = ["src", "suites", "acceptance", "bench", "scripts", "bin", "examples"];

/** Reads every TypeScript and JavaScript file of the project; generated code and folders of data are left out. */
export function sourceFiles(): SourceFile[] {
  return folders
    .flatMap((folder) => filesUnder(folder))
    .map((path) => parse(path, readFileSync(path, "utf8")));
}

/** Finds the imports in a file's text: static, dynamic, re-exports, and types. */
export function parse(path: string, text: string): SourceFile {
  const code = text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/^\s*\/\/.*$/gm, "");
  const patterns = [
    /\b(?:import|export)\b[^;'"`()]*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*\(\s*["']([^"']+)["']/g,
    /^\s*import\s+["']([^"']+)["']/gm,
  ];
  const specifiers = patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => match[1] ?? ""),
  );
  return {
    path,
    text,
    imports: specifiers.map((specifier) => ({ specifier, target: targetOf(path, specifier) })),
  };
}

function targetOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(dirname(path), specifier).replace(/\.js$/, ".ts");
}

function filesUnder(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
  return names
    .map((name) => join(folder, name).replaceAll("\\", "/"))
    .filter((path) => /\.(ts|js)$/.test(path))
    .filter((path) => !/(^|\/)(_generated|build|dist|node_modules|results|\.trueup)\//.test(path))
    .toSorted();
}
