/**
 * Long texts in a system table, each once, found by its hash, in pieces that are documents of ordinary size.
 * Sources, source maps and the program's manifest are kept this way.
 */
import type { DatabaseReader, DatabaseWriter } from "../../database/index.js";
import { textHash } from "./module-hash.js";
import { readAll } from "./read-all.js";

const table = "_pushed_texts";

/** One document: a piece of a text. */
interface Piece {
  readonly hash: string;
  readonly position: number;
  /** The position of the text's last piece. */
  readonly last: number;
  readonly piece: string;
}

/** Well below the size of a document, whatever the characters are. */
const maxPieceLength = 200_000;

/** All texts by hash. O(all of them). */
export async function readTexts(reader: DatabaseReader): Promise<Map<string, string>> {
  const pieces = new Map<string, string[]>();
  for (const { hash, position, piece } of await readAll<Piece>(reader, table)) {
    const list = pieces.get(hash) ?? [];
    list[position] = piece;
    pieces.set(hash, list);
  }
  return new Map([...pieces].map(([hash, list]) => [hash, list.join("")]));
}

/** Makes the table hold exactly these texts; those that it has stay as they are. Returns their hashes. */
export async function keepTexts(writer: DatabaseWriter, texts: Iterable<string>): Promise<void> {
  const wanted = new Map([...texts].map((text) => [textHash(text), text]));
  for (const document of await readAll<Piece>(writer, table)) {
    if (!wanted.has(document.hash)) await writer.delete(document._id, table);
    else if (document.position === document.last) wanted.delete(document.hash);
  }
  for (const [hash, text] of wanted) {
    const pieces = split(text);
    for (const [position, piece] of pieces.entries()) {
      const row: Piece = { hash, position, last: pieces.length - 1, piece };
      await writer.insert(table, { ...row });
    }
  }
}

/** Never between the two halves of a character. */
function split(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length || pieces.length === 0) {
    let end = Math.min(start + maxPieceLength, text.length);
    if (end < text.length && isFirstHalf(text.charCodeAt(end - 1))) end -= 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
