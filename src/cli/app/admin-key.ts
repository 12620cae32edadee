/**
 * The admin key of an app's server: made once, kept in `.trueup/admin-key` (readable by the user only) and
 * in `.env.local`, where the official CLI reads it. A key that `.env.local` already has is kept.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { readAppEnv } from "./env-file.js";
import type { AppFolder } from "./find-app.js";

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
  const deployment = env[cloudVariable] ?? variables.get(cloudVariable);
  if (deployment) {
    throw new TrueupError(
      "OTHER_BACKEND_CONFIGURED",
      `${cloudVariable} is set (${deployment}), so the official CLI would use Convex Cloud.`,
      { variable: cloudVariable, value: deployment },
    );
  }
  const url = env[urlVariable] ?? variables.get(urlVariable);
  if (url && !isLoopback(url)) {
    throw new TrueupError(
      "OTHER_BACKEND_CONFIGURED",
      `${urlVariable} names a server that is not on this machine: ${url}.`,
      { variable: urlVariable, value: url },
    );
  }
}

/** The app's admin key, made and kept on first use. */
export function loadAdminKey(app: AppFolder): string {
  const file = join(app.dataFolder, "admin-key");
  const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  const key = readAppEnv(app.root).get(keyVariable) || kept || newAdminKey();
  if (key !== kept) writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}

/** The form of the official keys, `name|secret`; nobody reads anything out of it. */
function newAdminKey(): string {
  return `trueup|${randomBytes(32).toString("base64url")}`;
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}
