/**
 * Arbitrary lives of tables whose documents change shape: transforms and rollbacks, prepared or not, between and
 * during histories of ordinary transactions, with background work that gets more or less far in between.
 */
import fc from "fast-check";
import type { Document, Fields, TransformFunction } from "../../src/database/index.js";
import { history, type HistoryTransaction } from "./database.js";

/** `down` after `up` is always the same document again; `up` after `down` need not be. */
export interface ReversibleTransform {
  readonly up: TransformFunction;
  readonly down: TransformFunction;
}

function wrap(document: Document): Fields {
  return { ...document, a: document["a"] === undefined ? undefined : ["was", document["a"]] };
}

function unwrap(document: Document): Fields {
  const { a } = document;
  return Array.isArray(a) && a[0] === "was" && a.length === 2 ? { ...document, a: a[1] } : document;
}

function rotate({ a, b, c, ...others }: Document): Fields {
  return { ...others, a: c, b: a, c: b };
}

function rotateBack({ a, b, c, ...others }: Document): Fields {
  return { ...others, a: b, b: c, c: a };
}

/** Gives back the very object it got, changed: it is a copy. */
function nest(document: Document): Fields {
  const { o } = document;
  if (o !== undefined) document["o"] = { x: o };
  return document;
}

function unnest(document: Document): Fields {
  const { o } = document;
  if (typeof o !== "object" || o === null || Array.isArray(o) || o instanceof ArrayBuffer) return document;
  return { ...document, o: (o as Document)["x"] };
}

export const reversibleTransforms: Readonly<Record<string, ReversibleTransform>> = {
  wrap: { up: wrap, down: unwrap },
  rotate: { up: rotate, down: rotateBack },
  nest: { up: nest, down: unnest },
};

/** How a change of shape comes into force. */
export interface Activation {
  /** Indexes are built beside first, while the transactions in `meanwhile` run. */
  readonly isPrepared: boolean;
  readonly meanwhile: readonly HistoryTransaction[];
  /** The preparation is waited for. */
  readonly isBuilt: boolean;
}

export type ShapeStep =
  | { type: "history"; transactions: readonly HistoryTransaction[] }
  | { type: "transform"; table: string; name: string; activation: Activation }
  /** Takes back the last transform that was not taken back yet. */
  | { type: "rollback"; table: string; activation: Activation }
  /** So many commits of background work. */
  | { type: "background"; commits: number }
  | { type: "reopen" };

const table = fc.constantFrom("left", "right");
const activation: fc.Arbitrary<Activation> = fc.record({
  isPrepared: fc.boolean(),
  meanwhile: history,
  isBuilt: fc.boolean(),
});

export const shapeSteps: fc.Arbitrary<ShapeStep[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant("history" as const), transactions: history }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("transform" as const),
        table,
        name: fc.constantFrom(...Object.keys(reversibleTransforms)),
        activation,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("rollback" as const), table, activation }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant("background" as const),
        commits: fc.integer({ min: 1, max: 6 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("reopen" as const) }) },
  ),
  { minLength: 1, maxLength: 8 },
);
