/**
 * Arrays of parameters in Postgres' binary form, as its `array_recv` reads them: as text they would be twice as long, and slow to
 * make and to read. `pg` sends buffers in that form. Answers it only has as text, where bytes are in hexadecimal.
 */

const headerBytes = 20;
const byteaOid = 17;
const int4Oid = 23;
const int8Oid = 20;

/** A `bytea[]`; null where an element is. */
export function byteaArray(elements: readonly (Buffer | null)[]): Buffer {
  let size = headerBytes;
  for (const element of elements) size += 4 + (element === null ? 0 : element.length);
  const array = begun(size, byteaOid, elements.length, elements.includes(null));
  let at = headerBytes;
  for (const element of elements) {
    if (element === null) {
      at = array.writeInt32BE(-1, at);
    } else {
      at = array.writeInt32BE(element.length, at);
      at += element.copy(array, at);
    }
  }
  return array;
}

/** An `int[]`. */
export function intArray(elements: readonly number[]): Buffer {
  const array = begun(headerBytes + elements.length * 8, int4Oid, elements.length, false);
  let at = headerBytes;
  for (const element of elements) at = array.writeInt32BE(element, array.writeInt32BE(4, at));
  return array;
}

/** A `bigint[]` of numbers that JavaScript holds exactly. */
export function bigintArray(elements: readonly number[]): Buffer {
  const array = begun(headerBytes + elements.length * 12, int8Oid, elements.length, false);
  let at = headerBytes;
  for (const element of elements) at = array.writeBigInt64BE(BigInt(element), array.writeInt32BE(8, at));
  return array;
}

/** An `int[]` of an answer. */
export function readIntArray(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(Number);
}

/** The header: how many dimensions, whether there are nulls, of what type, and how many elements from the first on. */
function begun(size: number, oid: number, count: number, hasNulls: boolean): Buffer {
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(hasNulls ? 1 : 0, 4);
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return array;
}
