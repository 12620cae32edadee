/**
 * Commit timestamps: a placeholder in a document becomes an int64 of nanoseconds since 1970 when the
 * transaction commits. They rise strictly with the order of commits, which the stored last one sees to: two
 * transactions that both set one cannot commit without one having seen the other's.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { catalogKeys, internalIdLength } from "../catalog/key-layout.js";
import { prepareDocument } from "../documents/prepare-document.js";
import type { StoredDocument } from "../documents/stored-document.js";
import type { TransactionState } from "./transaction.js";

const nsPerUs = 1000n;

/** Fills in the timestamp where documents written by the transaction wait for it. O(writes). */
export async function resolveCommitTimestamps(state: TransactionState, clock: () => number): Promise<void> {
  let timestamp: bigint | undefined;
  for (const writes of state.tables()) {
    for (const [idsKey, { stored }] of writes.ids.entries()) {
      if (stored === null || !stored.awaitsCommit) continue;
      timestamp ??= await nextTimestamp(state, clock);
      const internalId = idsKey.slice(-internalIdLength);
      const table = state.catalog.tableById(writes.table.id) ?? writes.table;
      await state.write(table, internalId, stored, resolve(stored, timestamp));
    }
  }
}

async function nextTimestamp(state: TransactionState, clock: () => number): Promise<bigint> {
  const last = await state.base.record(catalogKeys.commitTimestamp);
  const now = BigInt(Math.max(state.version + 1, Math.floor(clock() * 1000))) * nsPerUs;
  const after = last === undefined ? 0n : BigInt(last) + 1n;
  const timestamp = now > after ? now : after;
  state.writeRecord(catalogKeys.commitTimestamp, String(timestamp));
  return timestamp;
}

function resolve({ document, shape }: StoredDocument, timestamp: bigint): StoredDocument {
  const fields: Record<string, Value | undefined> = {};
  for (const [name, value] of Object.entries(document)) {
    if (value !== undefined && !name.startsWith("_")) fields[name] = fill(value, timestamp);
  }
  return prepareDocument(fields, document._id, document._creationTime, shape);
}

function fill(value: Value, timestamp: bigint): Value {
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
  if (value instanceof CommitTsPlaceholder) return timestamp;
  if (Array.isArray(value)) return value.map((item) => fill(item, timestamp));
  const entries = Object.entries(value).map(([name, field]): [string, Value | undefined] => [
    name,
    field === undefined ? undefined : fill(field, timestamp),
  ]);
  return Object.fromEntries(entries);
}
