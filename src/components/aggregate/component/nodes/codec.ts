/**
 * Encodes nodes as texts, for cells. The texts are no JSON, and leave out whatever follows from the rest. Positions are stored by
 * their encoded order, which is what searches compare, so reading a node decodes no key. What all positions of a node begin with
 * is written once. A branch remembers the texts of its children, because a write changes only one child of many.
 */
import type { Value } from "convex/values";
import { parseValue, stringifyValue } from "../../../../values/index.js";
import { isLeaf, newBranch, newLeaf, Position } from "../../tree/index.js";
import type { Branch, Child, ExactSum, Item, Leaf, MeasureSummary, Node, Summary } from "../../tree/index.js";
import type { CellCodec } from "../../../../seams/index.js";
import {
  digestText,
  lengthText,
  MalformedText,
  numberText,
  stringText,
  TextReader,
  withoutZeros,
  withZeros,
} from "./text.js";

/** The first letter names the form of the text; another form would get another letter. */
const nodeFormat = "a";

/** A text that is no node's decodes to null: a node that cannot be read counts as lost, and is mended like one. */
export const nodeCodec: CellCodec<Node | null> = {
  encode: encodeNode,
  decode: (text) => {
    try {
      return decodeNode(text);
    } catch (error) {
      if (error instanceof MalformedText) return null;
      throw error;
    }
  },
};

/** The text of a node whose refs are those of stored nodes; that of a lost node is empty. */
export function encodeNode(node: Node | null): string {
  if (node === null) return "";
  return isLeaf(node) ? encodeLeaf(node) : encodeBranch(node);
}

/** @throws MalformedText */
export function decodeNode(text: string): Node {
  if (text[0] !== nodeFormat) throw new MalformedText();
  const reader = new TextReader(text, 1);
  const level = reader.length();
  const positions = readPositions(reader);
  const node: Node =
    level === 0
      ? newLeaf(positions.map((position): Item => ({ position, values: readValues(reader) })))
      : newBranch(
          level,
          positions.map((low): Child => readChild(reader, low)),
        );
  if (!reader.isAtEnd) throw new MalformedText();
  return node;
}

function encodeLeaf({ items }: Leaf): string {
  const parts = [nodeFormat, lengthText(0), positionsText(items.map(({ position }) => position))];
  for (const { values } of items) {
    parts.push(lengthText(values.length));
    for (const value of values) parts.push(numberText(value));
  }
  return parts.join("");
}

function readValues(reader: TextReader): (number | null)[] {
  const values: (number | null)[] = [];
  for (let count = reader.length(); count > 0; count--) values.push(reader.number());
  return values;
}

/** A branch as it was when it was encoded last, with its texts. */
class BranchMemo {
  readonly children: readonly Child[];
  /** The text of each child's ref and summary. */
  readonly texts: readonly string[];
  readonly positions: string;

  constructor(children: readonly Child[], texts: readonly string[], positions: string) {
    this.children = children;
    this.texts = texts;
    this.positions = positions;
  }
}

/**
 * Encodes a branch. Children are never changed, only replaced: so a child that is the same object as last time has the same text.
 */
function encodeBranch(branch: Branch): string {
  const { level, children } = branch;
  const before = branch.memo instanceof BranchMemo ? branch.memo : null;
  const texts: string[] = [];
  let hasSamePositions = before?.children.length === children.length;
  for (let index = 0; index < children.length; index++) {
    const child = children[index] as Child;
    const known = before?.children[index];
    // One that did not change is not even looked at: in a large tree it is seldom in the processor's cache.
    if (known === child) {
      texts.push(before?.texts[index] as string);
      continue;
    }
    texts.push(childText(child));
    hasSamePositions &&= known?.low === child.low;
  }
  const positions =
    before !== null && hasSamePositions ? before.positions : positionsText(children.map(({ low }) => low));
  branch.memo = new BranchMemo(children, texts, positions);
  return nodeFormat + lengthText(level) + positions + texts.join("");
}

/**
 * The text of positions: their number, what all begin with, the length of the shortest rest, and the rest of each. A key that
 * holds a timestamp which is known only after the commit cannot be told from the encoded order, so such keys follow behind.
 */
function positionsText(positions: readonly Position[]): string {
  if (positions.length === 0) return lengthText(0);
  const parts = [lengthText(positions.length)];
  const texts = positions.map(textOf);
  const shared = sharedStart(texts);
  let shortest = Infinity;
  for (const text of texts) shortest = Math.min(shortest, text.length);
  parts.push(stringText((texts[0] as string).slice(0, shared)), lengthText(shortest - shared));
  for (const text of texts) parts.push(lengthText(text.length - shortest), text.slice(shared));
  const unresolved = positions.flatMap((position, index) => (position.isUnresolved ? [index] : []));
  parts.push(lengthText(unresolved.length));
  for (const index of unresolved) {
    parts.push(lengthText(index), stringText(stringifyValue((positions[index] as Position).key)));
  }
  return parts.join("");
}

function readPositions(reader: TextReader): Position[] {
  const count = reader.length();
  if (count === 0) return [];
  const start = reader.string();
  const shortest = reader.length();
  const positions: Position[] = [];
  for (let index = 0; index < count; index++) {
    const rest = reader.chars(shortest + reader.length());
    const text = start + rest;
    const position = Position.ofOrder(`${withZeros(text)}\0`);
    position.memo = text;
    positions.push(position);
  }
  for (let left = reader.length(); left > 0; left--) {
    const index = reader.length();
    const position = positions[index];
    if (position === undefined) throw new MalformedText();
    positions[index] = new Position(readJson(reader), position.id);
  }
  return positions;
}

function readJson(reader: TextReader): Value {
  const text = reader.string();
  try {
    return parseValue(text);
  } catch {
    throw new MalformedText();
  }
}

/** The encoded order of a position, without the zero at its end. */
function textOf(position: Position): string {
  return (position.memo ??= withoutZeros(position.order.slice(0, -1)));
}

/** The number of chars that all texts have in common at their beginning. */
function sharedStart(texts: readonly string[]): number {
  const [first = ""] = texts;
  let shared = commonLength(first, texts[texts.length - 1] ?? "", first.length);
  let start = first.slice(0, shared);
  for (const text of texts) {
    // The first and the last text tell, unless a damaged node is out of order.
    if (text.startsWith(start)) continue;
    shared = commonLength(first, text, shared);
    start = first.slice(0, shared);
  }
  return shared;
}

function commonLength(a: string, b: string, most: number): number {
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

function childText({ ref, summary }: Child): string {
  return stringText(String(ref)) + (summary === null ? lengthText(0) : summaryText(summary));
}

/** The text of a summary. It begins with the number of measures plus one, because 0 stands for no summary. */
function summaryText({ count, digest, measures }: Summary): string {
  let text = lengthText(measures.length + 1) + numberText(count) + digestText(digest);
  for (const { count: counted, sum, min, max } of measures) {
    text += numberText(counted) + sumText(sum) + numberText(min) + numberText(max);
  }
  return text;
}

function readChild(reader: TextReader, low: Position): Child {
  const ref = reader.string();
  const measures = reader.length() - 1;
  return { low, ref, summary: measures < 0 ? null : readSummary(reader, measures) };
}

function readSummary(reader: TextReader, measureCount: number): Summary {
  const count = readNumber(reader);
  const digest = reader.digest();
  const measures: MeasureSummary[] = [];
  for (let index = 0; index < measureCount; index++) {
    const counted = readNumber(reader);
    measures.push({ count: counted, sum: readSum(reader), min: reader.number(), max: reader.number() });
  }
  return { count, digest, measures };
}

function readNumber(reader: TextReader): number {
  const value = reader.number();
  if (value === null) throw new MalformedText();
  return value;
}

/** The text of a sum. Nearly every sum is a number; a null says that the JSON of another one follows. */
function sumText(sum: ExactSum): string {
  return typeof sum === "number" ? numberText(sum) : numberText(null) + stringText(JSON.stringify(sum));
}

function readSum(reader: TextReader): ExactSum {
  const sum = reader.number();
  return sum ?? (readJson(reader) as ExactSum);
}
