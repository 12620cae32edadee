/**
 * Counts the violations of many documents by kind and place, with a few samples of each, for a plan or the message of a refused
 * deploy. Its memory grows with the number of kinds of violation, not with that of documents.
 */
import {
  describeViolation,
  violationGroup,
  type Violation,
  type ViolationKind,
} from "../validation/violation.js";

/** A document that shows a violation. */
export interface ViolationSample {
  readonly id: string;
  readonly message: string;
}

/** Violations of one kind at one place. */
export interface ViolationCount {
  /** The text of `violationGroup`. */
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
  /** The violations that most documents have come first. */
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

  /** Adds one checked document. A document that fits has no violations. */
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

  /** @param documents How many documents the table has; as many as were checked when it is left out. */
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
