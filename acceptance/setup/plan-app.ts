/**
 * An app in a git repository of its own, in which `trueup` runs in this process. It lies inside this repository, so
 * that its packages are ours and its migrations can be imported and type-checked by the names that users know.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { runCli } from "../../src/cli/run-cli.js";
import { runInProcess, type CliOutcome } from "./run-in-process.js";

const home = resolve(".plan-apps");
const made: string[] = [];

export class PlanApp {
  readonly root: string;

  /** @param files By their path in the app; package.json depends on convex unless it is given. */
  constructor(files: Readonly<Record<string, string>>) {
    mkdirSync(home, { recursive: true });
    this.root = mkdtempSync(join(home, "app-"));
    made.push(this.root);
    const manifest = JSON.stringify({ private: true, type: "module", dependencies: { convex: "*" } });
    this.write({ "package.json": manifest, ...files });
    this.git("init", "--quiet", "--initial-branch", "main");
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  git(...args: string[]): string {
    const author = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    return execFileSync("git", [...author, ...args], { cwd: this.root, encoding: "utf8" }).trim();
  }

  /** Commits everything and returns the commit's hash. */
  commit(): string {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--message", "A state");
    return this.git("rev-parse", "HEAD");
  }

  /** Runs `trueup <args>` in the app's folder. */
  async run(args: readonly string[], isTerminal: boolean = false): Promise<CliOutcome> {
    return await runInProcess(runCli, args, { folder: this.root, hasColours: isTerminal });
  }

  /** Runs `trueup plan --json` and reads its document. */
  async plan<Document = unknown>(...args: readonly string[]): Promise<Document> {
    const { stdout, stderr } = await this.run(["plan", "--json", ...args]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as Document;
  }
}

/** Removes the apps that this process made; for after a file's tests. */
export function removePlanApps(): void {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
}

/** A schema module with these tables. */
export function schema(tables: string, imports: string = ""): string {
  return `import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
${imports}
export default defineSchema({ ${tables} });
`;
}

export const teams = schema("teams: defineTable({ name: v.string(), isPro: v.boolean() })");
export const safe = schema(
  "teams: defineTable({ name: v.string(), isPro: v.boolean(), note: v.optional(v.string()) })",
);
export const needing = schema(
  "teams: defineTable({ name: v.string(), isPro: v.boolean(), seats: v.number() })",
);
export const destroying = schema("teams: defineTable({ name: v.string() })");
