/**
 * The folder of an app, and what Trueup keeps in it. An app is a folder with a package.json that depends on `convex` and a
 * folder of functions (`convex/`, or what convex.json names): the folder in which the official CLI runs. `.trueup/`
 * holds data, code, a key, and in `server.json` the address of the server that has the data file open. That address says
 * where to ask, not whether anyone answers: only the lock on the data file tells that a server runs.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { TrueupError } from "../../errors/index.js";
import { supervised } from "./supervision.js";

/** The data of one app. */
export interface DataFolder {
  /** Absolute; may not exist yet. */
  readonly dataFolder: string;
  readonly dataFile: string;
  /** Where pushed code is thought to lie: in `.trueup` inside of the app, so that it finds the app's packages. */
  readonly codeFolder: string;
}

/** The folder of one app. */
export interface AppFolder extends DataFolder {
  readonly root: string;
  /** From the root, without a slash at the end: `convex`. */
  readonly functionsFolder: string;
}

interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * Finds the app in a folder.
 *
 * @throws APP_NOT_FOUND when the folder holds no app, with what is missing; MALFORMED_JSON when its
 *   package.json or convex.json cannot be read.
 */
export function findApp(root: string): AppFolder {
  const manifest = readJson<PackageJson>(join(root, "package.json"));
  if (manifest === undefined) throw notFound(root, "it has no package.json");
  if (manifest.dependencies?.["convex"] === undefined && manifest.devDependencies?.["convex"] === undefined) {
    throw notFound(root, "its package.json does not depend on convex");
  }
  const functionsFolder = functionsFolderOf(root);
  if (!statSync(join(root, functionsFolder), { throwIfNoEntry: false })?.isDirectory()) {
    throw notFound(root, `it has no ${functionsFolder}/ folder`);
  }
  return { root, functionsFolder, ...dataFolderOf(root) };
}

/** The data in a folder: in `.trueup`, or in the one that the option `--data` names from there. */
export function dataFolderOf(folder: string, named: string = ".trueup"): DataFolder {
  const dataFolder = resolve(folder, named);
  return { dataFolder, dataFile: join(dataFolder, "data.sqlite"), codeFolder: join(dataFolder, "code") };
}

/** Whether there is data. A log whose data file was deleted counts: opening it says what is wrong. */
export function hasData({ dataFile }: DataFolder): boolean {
  return existsSync(dataFile) || existsSync(`${dataFile}-wal`);
}

/** The folder of functions that convex.json names, from the root. @throws MALFORMED_JSON when convex.json cannot be read */
export function functionsFolderOf(root: string): string {
  const path = join(root, "convex.json");
  const { functions = "convex" } = readJson<{ functions?: unknown }>(path) ?? {};
  if (typeof functions !== "string") {
    throw new TrueupError("MALFORMED_JSON", `functions in ${path} is not the name of a folder.`, { path });
  }
  return functions.replace(/\/+$/, "");
}

/** Creates `.trueup/`, and keeps it out of git: it holds data and a key. */
export function prepareDataFolder({ dataFolder }: DataFolder): void {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const ignore = join(dataFolder, ".gitignore");
  if (!existsSync(ignore)) writeFileSync(ignore, "*\n", { mode: 0o600 });
}

/** The address and the process of a server. */
export interface ServerRecord {
  readonly url: string;
  readonly pid: number;
  /** The process that starts the server again when it dies; without it, the server ends. */
  readonly supervisorPid?: number;
  /** A key of the server for whoever can read the folder; absent where the app's own key is one. */
  readonly key?: string;
}

/** Records the server of this process; the returned function removes the record if it is still this process's. */
export function recordServer(app: DataFolder, server: Pick<ServerRecord, "url" | "key">): () => void {
  const { supervisorPid } = supervised() ?? {};
  const record: ServerRecord = {
    ...server,
    pid: process.pid,
    ...(supervisorPid !== undefined && { supervisorPid }),
  };
  writeFileSync(recordFile(app), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  return () => {
    if (readServerRecord(app)?.pid === process.pid) rmSync(recordFile(app), { force: true });
  };
}

/** The server that was recorded last, which may have been killed since; undefined when there is none. */
export function readServerRecord(app: DataFolder): ServerRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(recordFile(app), "utf8"));
    return isServerRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Waits for a server that is about to end, because its supervisor was killed. It has the data until it is gone. */
export async function orphanHasEnded(app: DataFolder): Promise<void> {
  const { pid, supervisorPid } = readServerRecord(app) ?? {};
  if (pid === undefined || supervisorPid === undefined || isAlive(supervisorPid)) return;
  const untilMs = performance.now() + 5_000;
  while (isAlive(pid) && performance.now() < untilMs) await setTimeout(20);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function recordFile(app: DataFolder): string {
  return join(app.dataFolder, "server.json");
}

function isServerRecord(value: unknown): value is ServerRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "url" in value &&
    typeof value.url === "string" &&
    "pid" in value &&
    (!("key" in value) || typeof value.key === "string")
  );
}

function notFound(root: string, why: string): TrueupError {
  return new TrueupError("APP_NOT_FOUND", `${root} is not the folder of a Convex app: ${why}.`, { root });
}

/** The object in a JSON file; undefined when there is no file. @throws MALFORMED_JSON */
export function readJson<Shape extends object>(path: string): Shape | undefined {
  if (!existsSync(path)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new TrueupError("MALFORMED_JSON", `${path} is not JSON: ${String(error)}`, { path }, error);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Shape;
  throw new TrueupError("MALFORMED_JSON", `${path} holds no object.`, { path });
}
