/**
 * `.trueup/server.json`: the address of the server that has the app's data file open. It says where to ask,
 * not whether anyone answers: the lock on the data file is what tells that a server runs.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AppFolder } from "./find-app.js";

export interface ServerRecord {
  readonly url: string;
  readonly pid: number;
}

/** Writes the record; the returned function removes it, if it is still this process's. */
export function recordServer(app: AppFolder, url: string): () => void {
  const record: ServerRecord = { url, pid: process.pid };
  writeFileSync(recordFile(app), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  return () => {
    if (readServerRecord(app)?.pid === process.pid) rmSync(recordFile(app), { force: true });
  };
}

/** The last recorded server, also one that was killed; undefined when there is none. */
export function readServerRecord(app: AppFolder): ServerRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(recordFile(app), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function recordFile(app: AppFolder): string {
  return join(app.dataFolder, "server.json");
}

function isRecord(value: unknown): value is ServerRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "url" in value &&
    typeof value.url === "string" &&
    "pid" in value
  );
}
