/**
 * A table as it would be with some transforms in force. It takes one document at a time through the transforms, and finds what
 * each of them loses and whether its opposite brings the document back.
 */
import type { Value } from "convex/values";
import { stringifyValue } from "../../values/index.js";
import type { TableEntry, TransformEntry } from "../catalog/catalog.js";
import type { Document } from "../documents/document.js";
import { copyDocument, decodeDocument, type StoredDocument } from "../documents/stored-document.js";
import { applyTransform, TransformProblem } from "./apply-transform.js";
import { differencesOf } from "./differences.js";
import { lossesOf, type LostField } from "./lost-values.js";
import { newTransform } from "./prepared-transforms.js";
import { missing, stepsBetween, type Shapes } from "./shapes.js";
import { isFields } from "./tracked-reads.js";
import type {
  RehearsalComplaint,
  RehearsalLoss,
  RehearsalPlan,
  RehearsedTransform,
  TransformFunction,
} from "./types.js";

/** A loss of one document. */
export interface FoundLoss extends Pick<RehearsalLoss, "kind" | "transform" | "path" | "example"> {
  /** It does not count as a loss if the transform uses the field in other documents. */
  readonly isDoubtful: boolean;
}

/** What came of one document. */
export interface Outcome {
  /** The text of the resulting document; null when there is none. */
  readonly text: string | null;
  readonly complaints: readonly RehearsalComplaint[];
  readonly losses: readonly FoundLoss[];
  /** Fields whose values transforms use without keeping them. */
  readonly used: readonly UsedField[];
}

export interface UsedField {
  readonly transform: string;
  readonly path: string;
}

const maxExampleChars = 60;

export class Stage {
  readonly #current: TableEntry;
  readonly #table: TableEntry;
  readonly #shape: number;
  readonly #shapes: Shapes;
  readonly #rehearsed = new Map<number, RehearsedTransform>();
  readonly #check: RehearsalPlan["check"];

  constructor(shapes: Shapes, table: TableEntry, { through, check }: RehearsalPlan) {
    const added = through.map((one, at) => entryOf(one, table.shape + 1 + at));
    const inForce = table.transforms.filter(({ shape }) => shape <= table.shape);
    this.#current = table;
    this.#table = { ...table, transforms: [...inForce, ...added] };
    this.#shape = table.shape + through.length;
    this.#shapes = shapes;
    this.#check = check;
    for (const [at, one] of through.entries()) this.#rehearsed.set(table.shape + 1 + at, one);
  }

  /** Finds out everything about one document. @throws TRANSFORM_MISSING, and what the check throws */
  inspect(text: string): Outcome {
    const stored = decodeDocument(text);
    const losses: FoundLoss[] = [];
    const used: UsedField[] = [];
    try {
      const after = this.#carry(stored, (one, before, made) => {
        // A transform that takes another one back loses only what that one made.
        if (one.undoes !== undefined) return;
        const found = lossesOf(one.run, before, made);
        losses.push(...found.lost.map((field) => lostBy(one, field)), ...notUndone(one, before, made));
        used.push(...found.used.map((path) => ({ transform: one.name, path })));
      });
      const complaints =
        this.#check?.(copyDocument(after), () =>
          copyDocument(this.#shapes.at(this.#current, stored, this.#current.shape)),
        ) ?? [];
      return { text: stringifyValue(after.document), complaints, losses, used };
    } catch (error) {
      return { text: null, complaints: [complaintOf(error)], losses: [], used: [] };
    }
  }

  /** The text of the resulting document, or the message of what went wrong. @throws TRANSFORM_MISSING */
  textOf(text: string, isAnew = false): string {
    try {
      return stringifyValue(this.#carry(decodeDocument(text), null, isAnew).document);
    } catch (error) {
      return complaintOf(error).message;
    }
  }

  /** Shows the new instances of the modules an invented document first, so that state which they keep shows. */
  mislead(text: string): void {
    const stored = decodeDocument(text);
    try {
      this.#carry({ ...stored, document: unlike(stored.document) }, null, true);
    } catch (error) {
      complaintOf(error);
    }
  }

  #carry(stored: StoredDocument, made: Made | null, isAnew = false): StoredDocument {
    let document = stored;
    for (const entry of stepsBetween(this.#table, stored.shape, this.#shape)) {
      const one = this.#rehearsed.get(entry.shape);
      const run = one === undefined ? this.#shapes.functionOf(this.#table, entry) : runOf(one, isAnew);
      if (run === undefined) throw missing(this.#table, entry, stored);
      const misfit = one?.misfitOf?.(document.document) ?? null;
      if (misfit !== null) throw new TransformProblem("threw", misfit);
      const after = applyTransform(run, document, entry.shape);
      if (one !== undefined) made?.(one, document, after);
      document = after;
    }
    return document;
  }
}

type Made = (one: RehearsedTransform, before: StoredDocument, after: StoredDocument) => void;

function runOf({ run, anew }: RehearsedTransform, isAnew: boolean): TransformFunction {
  return isAnew ? (anew ?? run) : run;
}

function entryOf({ name, undoes }: RehearsedTransform, shape: number): TransformEntry {
  const definition = { name, origin: "", hasDown: false };
  return newTransform(undoes === undefined ? definition : { ...definition, undoes }, shape, 0);
}

/** @throws any error that is not a transform's problem */
function complaintOf(error: unknown): RehearsalComplaint {
  if (!(error instanceof TransformProblem)) throw error;
  return { kind: error.kind, message: error.message };
}

function lostBy({ name }: RehearsedTransform, { path, value, isNamed }: LostField): FoundLoss {
  return { kind: "lost", transform: name, path, example: shortText(value), isDoubtful: isNamed };
}

function* notUndone(
  { name, down, canComeBack }: RehearsedTransform,
  before: StoredDocument,
  after: StoredDocument,
): Generator<FoundLoss> {
  if (down === undefined || canComeBack?.(before.document, after.document) === false) return;
  const found = { transform: name, isDoubtful: false };
  try {
    const back = applyTransform(down, after, after.shape + 1);
    for (const { path, was, is } of differencesOf(before.document, back.document)) {
      const kind = is === undefined ? "notBroughtBack" : "broughtBackOtherwise";
      yield { ...found, kind, path, example: `${shortText(was)} comes back as ${shortText(is)}` };
    }
  } catch (error) {
    const { message } = complaintOf(error);
    yield { ...found, kind: "broughtBackOtherwise", path: "", example: `\`down\` fails: ${message}` };
  }
}

function shortText(value: Value | undefined): string {
  if (value === undefined) return "nothing";
  const text = stringifyValue(value);
  return text.length <= maxExampleChars ? text : `${text.slice(0, maxExampleChars)}...`;
}

/** Another document of the same form. */
function unlike(document: Document): Document {
  const fields = Object.entries(document).map(([name, value]): [string, Value | undefined] => [
    name,
    name === "_id" || name === "_creationTime" || value === undefined ? value : unlikeValue(value),
  ]);
  return Object.fromEntries(fields) as Document;
}

function unlikeValue(value: Value): Value {
  if (Array.isArray(value)) return value.map(unlikeValue);
  if (isFields(value)) {
    const fields = Object.entries(value).map(([name, field]): [string, Value] => [
      name,
      field === undefined ? null : unlikeValue(field),
    ]);
    return Object.fromEntries(fields);
  }
  switch (typeof value) {
    case "boolean":
      return !value;
    case "number":
      return value + 104_729;
    case "bigint":
      return value === 104_729n ? 0n : 104_729n;
    case "string":
      // Another beginning, another end, and another length than its neighbours: whatever was kept of it shows.
      return `~${value}${"~".repeat(97)}`;
    default:
      return value;
  }
}
