/**
 * Keeps long texts in a system table: each text once, by its hash, in pieces that are documents of ordinary size. Sources,
 * source maps and the program's manifest are kept this way.
 */
import { createHash } from "node:crypto";
import { readAll, type DatabaseReader, type DatabaseWriter, type Document } from "../../database/index.js";

export const textsTable = "_pushed_texts";

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

/** All texts of which no piece is lost, by hash. O(all of them). */
export async function readTexts(reader: DatabaseReader): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const [hash, pieces] of await piecesByHash(reader)) {
    if (!isWhole(pieces)) continue;
    const inOrder = pieces.toSorted((a, b) => a.position - b.position);
    texts.set(hash, inOrder.map(({ piece }) => piece).join(""));
  }
  return texts;
}

/**
 * Makes the table hold these texts and no others; those that it has whole stay as they are.
 * @param spared Hashes of texts that stay if they are there.
 */
export async function keepTexts(
  writer: DatabaseWriter,
  texts: Iterable<string>,
  spared: ReadonlySet<string> = new Set(),
): Promise<void> {
  const wanted = byHash(texts);
  for (const [hash, pieces] of await piecesByHash(writer)) {
    if (isWhole(pieces) && (wanted.delete(hash) || spared.has(hash))) continue;
    for (const { _id } of pieces) await writer.delete(_id, textsTable);
  }
  await insertTexts(writer, wanted);
}

/** Adds those of these texts that the table does not have. */
export async function addTexts(writer: DatabaseWriter, texts: Iterable<string>): Promise<void> {
  const wanted = byHash(texts);
  for (const [hash, pieces] of await piecesByHash(writer)) if (isWhole(pieces)) wanted.delete(hash);
  await insertTexts(writer, wanted);
}

function byHash(texts: Iterable<string>): Map<string, string> {
  return new Map([...texts].map((text) => [textHash(text), text]));
}

async function insertTexts(writer: DatabaseWriter, texts: ReadonlyMap<string, string>): Promise<void> {
  for (const [hash, text] of texts) {
    const pieces = split(text);
    for (const [position, piece] of pieces.entries()) {
      const row: Piece = { hash, position, last: pieces.length - 1, piece };
      await writer.insert(textsTable, { ...row });
    }
  }
}

async function piecesByHash(reader: DatabaseReader): Promise<Map<string, (Piece & Document)[]>> {
  const byHash = new Map<string, (Piece & Document)[]>();
  for (const document of await readAll<Piece>(reader, textsTable)) {
    const pieces = byHash.get(document.hash);
    if (pieces === undefined) byHash.set(document.hash, [document]);
    else pieces.push(document);
  }
  return byHash;
}

/** Whether no piece is missing: a repair takes away those that were damaged. */
function isWhole(pieces: readonly Piece[]): boolean {
  return pieces.length === (pieces[0]?.last ?? 0) + 1;
}

/** Splits a text, but never between the two halves of a character. */
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

/** The SHA-256 of a text, in hex. */
export function textHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
