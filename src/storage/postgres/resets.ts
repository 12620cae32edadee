/**
 * What to do when the feed cannot go on from where it was. A process that slept for longer than the log goes back begins anew
 * at the last commit. Where a commit that it knows is not there, the database lost some, in a failover without a synchronous
 * standby or a restored backup: it makes a commit that says so to everybody, above all versions that were seen, and begins
 * anew from there.
 */
import { randomUUID } from "node:crypto";
import { TrueupError } from "../../errors/index.js";
import type { Address } from "./address.js";
import type { Connections } from "./connections.js";
import type { Poll, Position } from "./feed.js";
import { everythingChanged, packRequest } from "./log-body.js";
import { format } from "./schema/format.js";
import { quoteName } from "./schema/tables.js";

/** Where to begin anew. */
export async function positionAfter(
  connections: Connections,
  { schema, name }: Address,
  { known, last, horizon }: Poll,
): Promise<Position> {
  if (horizon > known.version) return last;
  process.emitWarning(
    new TrueupError("STORAGE_WENT_BACK", undefined, {
      place: name,
      version: known.version,
      last: last.version,
    }),
  );
  const batch = randomUUID();
  const [row] = await connections.run(`SELECT ${quoteName(schema)}.reset_${format}($1, $2, $3)`, [
    batch,
    String(known.version),
    packRequest({ writes: [] }, everythingChanged),
  ]);
  return { version: Number(row?.[0]), batch };
}
