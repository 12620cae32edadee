/**
 * The app's side of a build in bulk: makes entries of documents with the functions of the definition, and holds what was read
 * against what was packed. Both are added up by digest, each document as it is read, and each tree as it says itself after it was
 * written: so nothing can be lost, changed or doubled between the two. What is merged behind them is written like any other
 * write.
 */
import {
  addDigests,
  assertFits,
  digestOf,
  entryText,
  factorOf,
  placeOfEntry,
  Position,
  readEntry,
  scaleDigest,
  spaceLengthOf,
  withoutTrailingNulls,
} from "../../tree/index.js";
import type { Advance, BulkBuild, BulkPack, BulkProgress } from "../../../../seams/index.js";
import { encodeKey } from "../../../../values/index.js";
import { runMutation } from "../call.js";
import { advanceAfter } from "./advance-after.js";
import { messageOf, pureItemOf } from "./fill.js";
import { namingDocument } from "./table-source.js";
import type { AdvanceCtx, Source, StoredDocument } from "./types.js";

/** The measure that `sumValue` is to the component. */
const plainMeasure = "";

/** A number of items, and the sum of their digests, each by the factor of its namespace. */
interface Sums {
  count: number;
  digest: number;
}

export class SourceBulkBuild implements BulkBuild {
  readonly generation: number;
  readonly #source: Source;
  /** The columns of values, by the names of the measures. */
  readonly #columns = new Map<string, number>();
  readonly #read: Sums = { count: 0, digest: 0 };
  readonly #packed: Sums = { count: 0, digest: 0 };
  #lastSpace = { name: "", factor: 1 };
  /** The place of the entry that was packed last. */
  #lastPlace = "";

  constructor(source: Source, generation: number) {
    this.#source = source;
    this.generation = generation;
  }

  entryOf(document: StoredDocument): string {
    const { key, id, namespace, sumValue, sumValues } = pureItemOf(this.#source, document);
    const values: (number | null)[] = [];
    if (sumValue !== undefined) this.#put(values, plainMeasure, sumValue);
    for (const name in sumValues) {
      const value = sumValues[name];
      if (value !== undefined) this.#put(values, name, value);
    }
    const item = { position: new Position(key, id), values: withoutTrailingNulls(values) };
    try {
      assertFits(item);
    } catch (error) {
      throw namingDocument(error);
    }
    const space = encodeKey([namespace]);
    this.#read.count++;
    this.#addTo(this.#read, space, digestOf(item.position.order, item.values));
    return entryText(space, item);
  }

  pack(entries: readonly string[]): BulkPack {
    const distinct = entries.filter((entry) => this.#isNext(entry));
    const args = { generation: this.generation, measures: [...this.#columns.keys()], entries: distinct };
    return {
      run: async (ctx: AdvanceCtx) => {
        const added = await runMutation(ctx, this.#source.component.bulk.pack, args);
        if (added === null) return null;
        return () => {
          this.#packed.count += added.count;
          this.#packed.digest = addDigests(this.#packed.digest, added.digest);
        };
      },
    };
  }

  /**
   * Whether an entry has another place than the one before. A document that was deleted and inserted again with its id may be
   * read twice. One item stands for both, and the writes that wait put it right.
   */
  #isNext(entry: string): boolean {
    const place = placeOfEntry(entry);
    const isNext = place !== this.#lastPlace;
    this.#lastPlace = place;
    if (!isNext) {
      const { position, values } = readEntry(entry);
      this.#packed.count++;
      this.#addTo(this.#packed, entry.slice(0, spaceLengthOf(entry)), digestOf(position.order, values));
    }
    return isNext;
  }

  isRight(): boolean {
    return this.#read.count === this.#packed.count && this.#read.digest === this.#packed.digest;
  }

  async merge(ctx: AdvanceCtx, limit: number): Promise<boolean | null> {
    return await runMutation(ctx, this.#source.component.bulk.merge, { generation: this.generation, limit });
  }

  async note(ctx: AdvanceCtx, progress: BulkProgress): Promise<boolean> {
    return await runMutation(ctx, this.#source.component.bulk.note, {
      generation: this.generation,
      ...progress,
    });
  }

  async fail(ctx: AdvanceCtx, error: unknown, documentId?: string): Promise<Advance> {
    await runMutation(ctx, this.#source.component.bulk.fail, {
      generation: this.generation,
      failure: { message: messageOf(error), ...(documentId !== undefined && { documentId }) },
    });
    return await advanceAfter(ctx, this.#source);
  }

  #put(values: (number | null)[], name: string, value: number): void {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = this.#columns.size));
    while (values.length < column) values.push(null);
    values[column] = value;
  }

  #addTo(sums: Sums, space: string, digest: number): void {
    if (this.#lastSpace.name !== space) this.#lastSpace = { name: space, factor: factorOf(space) };
    sums.digest = scaleDigest(digest, this.#lastSpace.factor, sums.digest);
  }
}
