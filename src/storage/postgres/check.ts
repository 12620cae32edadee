/**
 * Goes through all that is stored and looks for what the storage would never have written: keys whose second part is not that
 * of the whole, or that come in another order, values that are no text, versions that no commit had, and a clock that
 * disagrees with the log.
 */
import { keyToHex } from "../../values/index.js";
import type { StorageCheck, StorageDamage } from "../storage.js";
import type { Connections } from "./connections.js";
import { keyBytes } from "./schema/format.js";
import { quoteName } from "./schema/tables.js";
import { storedKey, wholeKey } from "./stored-key.js";

const pageSize = 2_000;

export async function checkSchema(
  connections: Connections,
  schema: string,
  onEntries: (entries: number) => void,
): Promise<StorageCheck> {
  const name = quoteName(schema);
  const damages: StorageDamage[] = [];
  const rules: readonly (readonly [sql: string, message: string])[] = [
    [
      `SELECT FROM ${name}.clock c LEFT JOIN ${name}.log l ON l.version = c.version AND l.batch = c.batch WHERE l.version IS NULL`,
      "The clock names a commit that the log has not.",
    ],
    [
      `SELECT FROM ${name}.log l, ${name}.clock c WHERE l.version > c.version LIMIT 1`,
      "The log has a commit after the last one.",
    ],
    [
      `SELECT FROM ${name}.history h, ${name}.clock c WHERE h.began >= h.ended OR h.ended > c.version LIMIT 1`,
      "The history has a value that was true at no time.",
    ],
    [
      `SELECT FROM ${name}.history h JOIN ${name}.entries e USING (key, more) WHERE h.ended > e.version LIMIT 1`,
      "The history has a value that ended after the one that is true now began.",
    ],
  ];
  for (const [sql, message] of rules) {
    const found = await connections.run(sql, [], 60_000);
    if (found.length > 0) damages.push({ kind: "page", message });
  }
  let entries = 0;
  let after: readonly [key: Buffer, more: Buffer] | undefined;
  let before = "";
  for (;;) {
    const rows = await connections.run(
      `SELECT encode(e.key, 'hex'), encode(e.more, 'hex'), encode(e.rest, 'hex'), encode(e.value, 'hex'),
        e.version <= (SELECT version FROM ${name}.clock)
        FROM ${name}.entries e ${after === undefined ? "" : "WHERE (e.key, e.more) > ($1, $2)"}
        ORDER BY e.key, e.more LIMIT ${pageSize}`,
      after ?? [],
      60_000,
    );
    for (const [keyHex, moreHex, restHex, valueHex, isCommitted] of rows) {
      const [head, more] = [Buffer.from(keyHex ?? "", "hex"), Buffer.from(moreHex ?? "", "hex")];
      const key = wholeKey(head, typeof restHex === "string" ? Buffer.from(restHex, "hex") : null);
      const value = Buffer.from(valueHex ?? "", "hex");
      const message = damageOf(key, more, value, isCommitted === "t");
      if (message !== undefined) damages.push({ kind: "entry", key: keyToHex(key), message });
      const beginning = key.slice(0, keyBytes);
      if (entries > 0 && beginning < before) {
        damages.push({ kind: "page", message: "The index has keys in another order than theirs." });
      }
      before = beginning;
      after = [head, more];
      entries++;
    }
    onEntries(entries);
    if (rows.length < pageSize) return { entries, damages };
  }
}

function damageOf(key: string, more: Buffer, value: Buffer, isCommitted: boolean): string | undefined {
  if (!storedKey(key).more.equals(more)) return "The key is not the one that it was stored under.";
  // Text that is no UTF-8 does not come back as it was.
  if (!Buffer.from(value.toString()).equals(value)) return "The value is no text.";
  if (!isCommitted) return "No commit has written it yet.";
  return undefined;
}
