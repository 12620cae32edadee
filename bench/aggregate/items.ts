/**
 * The items that aggregates are filled with, the questions asked of them, and the right answers, from a sorted array. Keys
 * are whole numbers in random order; what writes add and take away again lies between them, so the array stays right.
 */
import { Random } from "../harness/random.js";

export interface BenchItem {
  readonly key: number;
  readonly id: string;
  readonly sumValue: number;
}

/** Bounds are a lower key, inclusive, and an upper one, exclusive. */
export type Question =
  | { readonly type: "count" | "sum"; readonly lower: number; readonly upper: number }
  | { readonly type: "at" | "page"; readonly offset: number }
  | { readonly type: "percentile"; readonly percent: number }
  | { readonly type: "indexOf"; readonly key: number };
export type QuestionType = Question["type"];

export const questionTypes: readonly QuestionType[] = ["count", "sum", "at", "indexOf", "percentile", "page"];
export const pageSize = 100;
const keyStep = 16;

export class Items {
  /** In the order of insertion. */
  readonly all: readonly BenchItem[];
  readonly #keys: readonly number[];
  /** The sum of the values before each offset. */
  readonly #sums: readonly number[];
  readonly #random: Random;
  #made = 0;

  constructor(size: number) {
    this.#random = new Random(size);
    this.#keys = Array.from({ length: size }, (_, index) => index * keyStep);
    const sums = [0];
    for (const key of this.#keys) sums.push((sums.at(-1) ?? 0) + valueOf(key));
    this.#sums = sums;
    this.all = this.#random.shuffle(this.#keys.map((key) => itemOf(key)));
  }

  /** In the order of their keys. */
  sorted(): BenchItem[] {
    return this.#keys.map((key) => itemOf(key));
  }

  get size(): number {
    return this.#keys.length;
  }

  get total(): number {
    return this.#sums.at(-1) ?? 0;
  }

  /** Draws a question, to which `answer` knows the answer. Pages are from the second half. */
  ask(type: QuestionType): Question {
    const { size } = this;
    const random = this.#random;
    switch (type) {
      case "count":
      case "sum": {
        const [a, b] = [random.below(size), random.below(size)];
        return { type, lower: Math.min(a, b) * keyStep, upper: Math.max(a, b) * keyStep };
      }
      case "at":
        return { type, offset: random.below(size) };
      case "page": {
        const half = Math.floor(size / 2);
        return { type, offset: half + random.below(size - half - pageSize) };
      }
      case "percentile":
        return { type, percent: 1 + random.below(99) };
      case "indexOf":
        return { type, key: random.below(size) * keyStep };
    }
  }

  /** Returns the right answer: a number, a key, or for a page the sum of its keys. */
  answer(question: Question): number {
    switch (question.type) {
      case "count":
        return (question.upper - question.lower) / keyStep;
      case "sum":
        return (this.#sums[question.upper / keyStep] ?? 0) - (this.#sums[question.lower / keyStep] ?? 0);
      case "at":
        return question.offset * keyStep;
      case "percentile":
        return percentileOffset(this.size, question.percent) * keyStep;
      case "page":
        return keyStep * (pageSize * question.offset + (pageSize * (pageSize - 1)) / 2);
      case "indexOf":
        return question.key / keyStep;
    }
  }

  /** An item that was never made before, at a random place. */
  fresh(): BenchItem {
    const key = this.#random.below(this.size) * keyStep + 1 + this.#random.below(keyStep - 1);
    return { key, id: `fresh-${this.#made++}`, sumValue: valueOf(key) };
  }

  /** Where an item moves to: another random place between those of the items that stay. */
  moved(item: BenchItem): BenchItem {
    const { key, sumValue } = this.fresh();
    return { key, id: item.id, sumValue };
  }
}

/** The nearest rank: the first offset at which so many percent of the items are at or before it. */
export function percentileOffset(count: number, percent: number): number {
  return Math.max(0, Math.ceil((percent * count) / 100) - 1);
}

function itemOf(key: number): BenchItem {
  return { key, id: `item-${key}`, sumValue: valueOf(key) };
}

function valueOf(key: number): number {
  return (key * 7919) % 1009;
}

/** What is measured: a way of keeping the items, and of answering questions about them. */
export interface Subject {
  readonly name: string;
  /** Whether many questions can be asked in one call that costs something itself. */
  readonly hasCalls: boolean;
  /** The questions that it cannot answer. */
  readonly unanswered: readonly QuestionType[];
  /** Makes the writes in one transaction. */
  insert(items: readonly BenchItem[]): Promise<void>;
  replace(from: BenchItem, to: BenchItem): Promise<void>;
  remove(items: readonly BenchItem[]): Promise<void>;
  /** Asks the questions one after another in one query. */
  answer(questions: readonly Question[]): Promise<number[]>;
  /** The sum is null where there is none. */
  totals(): Promise<{ count: number; sum: number | null }>;
  /** What it stores, and how long it takes to open it; null where nothing is stored. */
  footprint(): Promise<{ bytesPerItem: number; openMs: number | null } | null>;
  close(): Promise<void>;
}
