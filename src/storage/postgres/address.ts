/** Where a deployment lies: a database by its address, and a schema in it. */
import { TrueupError } from "../../errors/index.js";

export interface Address {
  /** For `pg`: the address without what it does not know. */
  readonly connectionString: string;
  readonly schema: string;
  /** For people, without user and password. */
  readonly name: string;
}

const defaultSchema = "trueup";
/** Postgres cuts longer names. */
const longestName = 63;

/**
 * @param text `postgres://user:password@host:port/database?schema=app`; all other parameters are `pg`'s: `host` of a socket,
 * `sslmode`, `sslrootcert`.
 * @throws STORAGE_ADDRESS_INVALID
 */
export function parseAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["postgres:", "postgresql:"].includes(url.protocol)) {
    throw new TrueupError("STORAGE_ADDRESS_INVALID");
  }
  const schema = url.searchParams.get("schema") ?? defaultSchema;
  if (schema === "" || schema.includes("\0") || Buffer.byteLength(schema) > longestName) {
    throw new TrueupError(
      "STORAGE_ADDRESS_INVALID",
      `A schema's name has 1 to ${longestName} bytes, none of them zero.`,
      { schema },
    );
  }
  url.searchParams.delete("schema");
  const host = url.searchParams.get("host") ?? url.host;
  return {
    connectionString: url.href,
    schema,
    name: `postgres://${host}${url.pathname}?schema=${encodeURIComponent(schema)}`,
  };
}
