/**
 * Counts the violations of many documents by kind and place, with a few samples of each: what a plan or a
 * refused deploy says of the data. Memory grows with the number of kinds of violation, not of documents.
 */
import { describeViolation } from "../validation/describe-violation.js";
import { violationGroup, type Violation, type ViolationKind } from "../validation/violation.js";

/** A document that shows a violation. */
export interface ViolationSample {
  readonly id: string;
  readonly message: string;
}

/** Violations of one kind at one place. */
export interface ViolationCount {
  /** As `violationGroup` says it. */
  readonly group: string;
  readonly kind: ViolationKind;
  readonly pattern: string;
  /** How many documents have it. */
  readonly documents: number;
  readonly samples: readonly ViolationSample[];
}

/** What is known of a table's documents under a new schema. JSON values only. */
export interface TableData {
  readonly tableName: string;
  /** How many documents the table has. */
  readonly documents: number;
  /** How many of them were checked. */
  readonly checked: number;
  /** How many of those do not fit. */
  readonly violating: number;
  /** By falling number of documents. */
  readonly violations: readonly ViolationCount[];
}

/** Collects one table's violations, a document at a time. */
export class ViolationTally {
  readonly #tableName: string;
  readonly #maxSamples: number;
  readonly #counts = new Map<string, Count>();
  #checked = 0;
  #violating = 0;

  /** @param maxSamples How many documents to name for each kind of violation. */
  constructor(tableName: string, maxSamples: number = 3) {
    this.#tableName = tableName;
    this.#maxSamples = maxSamples;
  }

  /** Adds one checked document; no violations means that it fits. */
  add(id: string, violations: readonly Violation[]): void {
    this.#checked++;
    if (violations.length > 0) this.#violating++;
    const counted = new Set<string>();
    for (const violation of violations) {
      const group = violationGroup(violation);
      if (counted.has(group)) continue;
      counted.add(group);
      const { kind, pattern } = violation;
      const count = this.#counts.get(group) ?? { group, kind, pattern, documents: 0, samples: [] };
      count.documents++;
      if (count.samples.length < this.#maxSamples) {
        count.samples.push({ id, message: describeViolation(violation) });
      }
      this.#counts.set(group, count);
    }
  }

  /** @param documents How many documents the table has; those checked when left out. */
  result(documents: number = this.#checked): TableData {
    const violations = [...this.#counts.values()].map((count) => ({
      ...count,
      samples: [...count.samples],
    }));
    return {
      tableName: this.#tableName,
      documents,
      checked: this.#checked,
      violating: this.#violating,
      violations: violations.toSorted((first, second) => second.documents - first.documents),
    };
  }
}

interface Count {
  readonly group: string;
  readonly kind: ViolationKind;
  readonly pattern: string;
  documents: number;
  readonly samples: ViolationSample[];
}
