/**
 * Values made up to stand for a kind of value in counterexamples. Each call takes a new number, so
 * that samples differ from each other and from literals.
 */
import type { ScalarKind } from "./alternatives.js";

/** A stand-in for an id of a table: not a real id, but a legal record key. */
export function sampleId(tableName: string, serial: number): string {
  return `<id ${serial} of ${tableName}>`;
}

/** The table of a `sampleId`; null for any other string. */
export function tableOfSampleId(id: string): string | null {
  return /^<id \d+ of (\w+)>$/.exec(id)?.[1] ?? null;
}

/** A value of a kind; not any one in particular. */
export function sampleScalar(kind: ScalarKind, serial: number): unknown {
  switch (kind) {
    case "bigint":
      return BigInt(serial);
    case "boolean":
      return true;
    case "bytes":
      return new ArrayBuffer(1);
    case "null":
      return null;
    case "number":
      return serial;
    case "string":
      return `text ${serial}`;
  }
}
