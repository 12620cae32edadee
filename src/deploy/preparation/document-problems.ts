/**
 * The documents that do not fit a schema. All of them are counted, by what is wrong with them, and a few of each kind are kept
 * as samples. So a refused deploy tells everything at once, whatever the number of documents.
 */
import {
  describeStoredDocument,
  describeViolations,
  violationGroup,
  type Violation,
} from "../../schema/index.js";

const maxSamples = 3;

/** Documents of one table that break the schema in the same way. */
export interface ProblemGroup {
  readonly componentPath: string;
  readonly tableName: string;
  /** What is wrong, as one line. */
  readonly problem: string;
  readonly documents: number;
  readonly samples: readonly { readonly id: string; readonly violations: readonly Violation[] }[];
}

interface Group extends ProblemGroup {
  documents: number;
  readonly samples: { readonly id: string; readonly violations: readonly Violation[] }[];
}

export class DocumentProblems {
  readonly #groups = new Map<string, Group>();
  /** How many documents have a problem. */
  documents = 0;

  /** Counts a document; a document with several kinds of violations is in several groups. */
  add(componentPath: string, tableName: string, id: string, violations: readonly Violation[]): void {
    if (violations.length === 0) return;
    this.documents += 1;
    for (const problem of new Set(violations.map(violationGroup))) {
      const key = JSON.stringify([componentPath, tableName, problem]);
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = { componentPath, tableName, problem, documents: 0, samples: [] };
        this.#groups.set(key, group);
      }
      group.documents += 1;
      if (group.samples.length < maxSamples) {
        const same = violations.filter((violation) => violationGroup(violation) === problem);
        group.samples.push({ id, violations: same });
      }
    }
  }

  /** Adds the problems of other tables. */
  absorb(other: DocumentProblems): void {
    this.documents += other.documents;
    for (const [key, group] of other.#groups) this.#groups.set(key, group);
  }

  /** By component and table, the most frequent problems first. */
  get groups(): readonly ProblemGroup[] {
    const place = (group: ProblemGroup): string => `${group.componentPath}\0${group.tableName}`;
    return [...this.#groups.values()].toSorted((a, b) =>
      place(a) === place(b) ? b.documents - a.documents : place(a) < place(b) ? -1 : 1,
    );
  }

  /** Everything as text. One document alone is described in the words of Convex. */
  describe(): string {
    const { groups } = this;
    const [first] = groups;
    const only = this.documents === 1 ? first?.samples[0] : undefined;
    if (first !== undefined && only !== undefined) {
      const violations = groups.flatMap((group) => group.samples.flatMap((sample) => sample.violations));
      return describeStoredDocument(first.tableName, only.id, violations);
    }
    const head = `${count(this.documents)} do not match the schema, in ${groups.length === 1 ? "one way" : `${groups.length} ways`}:`;
    return [head, ...groups.map(describeGroup)].join("\n\n");
  }
}

function describeGroup(group: ProblemGroup, index: number): string {
  const where = group.componentPath === "" ? "" : ` of component "${group.componentPath}"`;
  const ids = group.samples.map(({ id }) => `"${id}"`);
  const listed = group.documents > ids.length ? [...ids, "..."] : ids;
  const example = describeViolations(group.samples[0]?.violations ?? []);
  return (
    `${index + 1}. ${count(group.documents)} in table "${group.tableName}"${where}: ${listed.join(", ")}\n` +
    example.replaceAll(/^/gm, "   ")
  );
}

function count(documents: number): string {
  return documents === 1 ? "1 document" : `${documents.toLocaleString("en-US")} documents`;
}
