/**
 * Every error code, with its general meaning, what to do about it, and whether trying again can help. Each room has a file in
 * which its codes are sorted. docs/errors.md lists the same codes; a test holds the two together.
 */
import { aggregateCodes } from "./aggregate.js";
import { backendCodes } from "./backend.js";
import { cliCodes } from "./cli.js";
import { databaseCodes } from "./database.js";
import { deployCodes } from "./deploy.js";
import { functionsCodes } from "./functions.js";
import { integrityCodes } from "./integrity.js";
import { migrationsCodes } from "./migrations.js";
import { schedulerCodes } from "./scheduler.js";
import { schemaCodes } from "./schema.js";
import { serverCodes } from "./server.js";
import { storageCodes } from "./storage.js";
import { testCodes } from "./test.js";
import { valuesCodes } from "./values.js";

/** The codes of each room. */
export const codesOfRooms = [
  valuesCodes,
  storageCodes,
  databaseCodes,
  functionsCodes,
  schemaCodes,
  schedulerCodes,
  integrityCodes,
  deployCodes,
  backendCodes,
  testCodes,
  serverCodes,
  cliCodes,
  migrationsCodes,
  aggregateCodes,
] as const;

export const errorCodes = {
  ...valuesCodes,
  ...storageCodes,
  ...databaseCodes,
  ...functionsCodes,
  ...schemaCodes,
  ...schedulerCodes,
  ...integrityCodes,
  ...deployCodes,
  ...backendCodes,
  ...testCodes,
  ...serverCodes,
  ...cliCodes,
  ...migrationsCodes,
  ...aggregateCodes,
};

/** The stable name of what went wrong. */
export type ErrorCode = keyof typeof errorCodes;

/** A newer server may have codes that this version does not know. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCodes, code);
}

/** Codes that components name in the data of a `ConvexError`; other codes there are the app's own. */
export function isComponentCode(code: unknown): code is ErrorCode {
  return isErrorCode(code) && (code in migrationsCodes || code in aggregateCodes);
}
