/**
 * The admin key of an app's server. It is made once, and kept in `.trueup/admin-key`, which only the user can read, and in
 * `.env.local`, where the official CLI reads it. A key that `.env.local` already has is kept.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { TrueupError } from "../../errors/index.js";
import type { Terminal } from "../output/terminal.js";
import { readAppEnv } from "./env-file.js";
import type { AppFolder, DataFolder } from "./app-folder.js";

export const urlVariable = "CONVEX_SELF_HOSTED_URL";
export const keyVariable = "CONVEX_SELF_HOSTED_ADMIN_KEY";
const cloudVariable = "CONVEX_DEPLOYMENT";

/**
 * Makes sure that the official CLI, run in this folder, would talk to a local server.
 *
 * @throws OTHER_BACKEND_CONFIGURED when the environment or an env file names a cloud deployment, or a
 *   self-hosted server on another machine.
 */
export function assertNoOtherBackend(app: AppFolder, env: Readonly<NodeJS.ProcessEnv>): void {
  const variables = readAppEnv(app.root);
  const deployment = env[cloudVariable] ?? variables[cloudVariable];
  if (deployment) {
    throw new TrueupError(
      "OTHER_BACKEND_CONFIGURED",
      `${cloudVariable} is set (${deployment}), so the official CLI would use Convex Cloud.`,
      { variable: cloudVariable, value: deployment },
    );
  }
  const url = env[urlVariable] ?? variables[urlVariable];
  if (url && !isLoopback(url)) {
    throw new TrueupError(
      "OTHER_BACKEND_CONFIGURED",
      `${urlVariable} names a server that is not on this machine: ${url}.`,
      { variable: urlVariable, value: url },
    );
  }
}

/** The admin key: of the app's `.env.local` where the app is here, else that beside the data; undefined where there is none. */
export function readAdminKey(app: AppFolder | DataFolder): string | undefined {
  const own = "root" in app ? readAppEnv(app.root)[keyVariable] : undefined;
  return own || readKeyFile(app);
}

/** The app's admin key; makes one at the first use, and keeps it in `.trueup/`. */
export function loadAdminKey(app: AppFolder): string {
  const key = readAdminKey(app) ?? newAdminKey("trueup");
  if (key !== readKeyFile(app)) writeFileSync(keyFile(app), `${key}\n`, { mode: 0o600 });
  return key;
}

function keyFile(app: DataFolder): string {
  return join(app.dataFolder, "admin-key");
}

function readKeyFile(app: DataFolder): string | undefined {
  return existsSync(keyFile(app)) ? readFileSync(keyFile(app), "utf8").trim() || undefined : undefined;
}

/** A key in the form of the official ones, `name|secret`. No reader relies on its parts. */
export function newAdminKey(name: string): string {
  return `${name}|${randomBytes(32).toString("base64url")}`;
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

/** The keys that the operator gives. @throws INVALID_USAGE for a file that cannot be read, or a key that is too short */
export function givenKeys(
  { adminKeyFile }: { readonly adminKeyFile?: string },
  { env, folder }: Pick<Terminal, "env" | "folder">,
): string[] {
  const keys = [
    env["TRUEUP_ADMIN_KEY"] ?? "",
    adminKeyFile === undefined ? "" : readKey(resolve(folder, adminKeyFile)),
  ];
  const given = keys.map((key) => key.trim()).filter((key) => key !== "");
  if (given.some((key) => key.length < shortestKey)) {
    throw new TrueupError("INVALID_USAGE", `An admin key has at least ${shortestKey} characters.`);
  }
  return given;
}

const shortestKey = 16;

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new TrueupError(
      "INVALID_USAGE",
      `The file of the admin key cannot be read: ${String(error)}`,
      {},
      error,
    );
  }
}
