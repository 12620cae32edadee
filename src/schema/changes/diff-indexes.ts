/**
 * Finds the changes of a table's indexes, by name. None of them touches a document, so all are safe. They differ in what has to
 * be built and in which queries stop working.
 */
import { indexesOf, type AnyIndex, type TableJson } from "../schema-json.js";
import type { RuleName } from "./rules.js";
import { tableChange, type SchemaChange } from "./schema-change.js";

/** An index of any kind, with what it is made of as one line of text. */
interface IndexText extends Omit<AnyIndex, "index"> {
  readonly text: string;
}

/** All changes of indexes between two versions of a table. */
export function diffIndexes(before: TableJson | undefined, after: TableJson): readonly SchemaChange[] {
  const old = before === undefined ? new Map<string, IndexText>() : indexTexts(before);
  const now = indexTexts(after);
  const changes: SchemaChange[] = [];
  const add = (rule: RuleName, index: string, was?: IndexText, is?: IndexText): void => {
    changes.push(
      tableChange(rule, after.tableName, {
        index,
        ...(was === undefined ? {} : { before: was.text }),
        ...(is === undefined ? {} : { after: is.text }),
      }),
    );
  };
  for (const [name, is] of now) {
    const was = old.get(name);
    if (was === undefined || was.kind !== is.kind) {
      if (was !== undefined) add(`${was.kind}-removed`, name, was);
      add(is.staged ? "index-staged" : `${is.kind}-added`, name, undefined, is);
    } else if (was.text !== is.text) {
      add(is.staged ? "index-staged" : `${is.kind}-changed`, name, was, is);
    } else if (was.staged !== is.staged) {
      add(is.staged ? "index-staged" : "index-enabled", name, was, is);
    }
  }
  for (const [name, was] of old) {
    if (!now.has(name)) add(`${was.kind}-removed`, name, was);
  }
  return changes;
}

function indexTexts(table: TableJson): ReadonlyMap<string, IndexText> {
  return new Map(
    indexesOf(table).map(({ kind, staged, index }) => {
      const { indexDescriptor, ...parts } = index;
      const text =
        "fields" in parts
          ? JSON.stringify(parts.fields)
          : JSON.stringify({ ...parts, filterFields: parts.filterFields.toSorted() });
      return [indexDescriptor, { kind, staged, text }];
    }),
  );
}
