/**
 * Finds the changes of a table's indexes, by name. None of them touches a document, so all are safe. They differ in what has to
 * be built and in which queries stop working.
 */
import type { TableJson } from "../schema-json.js";
import type { RuleName } from "./rules.js";
import { tableChange, type SchemaChange } from "./schema-change.js";

/** An index of any kind, as one line of text. */
interface IndexText {
  readonly kind: IndexKind;
  readonly staged: boolean;
  readonly text: string;
}

type IndexKind = "index" | "search-index" | "vector-index";

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
  const texts = new Map<string, IndexText>();
  const lists = [
    { staged: false, indexes: table.indexes },
    { staged: true, indexes: table.stagedDbIndexes },
  ];
  for (const { staged, indexes } of lists) {
    for (const { indexDescriptor, fields } of indexes) {
      texts.set(indexDescriptor, { kind: "index", staged, text: JSON.stringify(fields) });
    }
  }
  const searches = [
    { staged: false, indexes: table.searchIndexes },
    { staged: true, indexes: table.stagedSearchIndexes },
  ];
  for (const { staged, indexes } of searches) {
    for (const { indexDescriptor, searchField, filterFields } of indexes) {
      const text = JSON.stringify({ searchField, filterFields: filterFields.toSorted() });
      texts.set(indexDescriptor, { kind: "search-index", staged, text });
    }
  }
  const vectors = [
    { staged: false, indexes: table.vectorIndexes },
    { staged: true, indexes: table.stagedVectorIndexes },
  ];
  for (const { staged, indexes } of vectors) {
    for (const { indexDescriptor, vectorField, dimensions, filterFields } of indexes) {
      const filter = filterFields.toSorted();
      const text = JSON.stringify({ vectorField, dimensions, filterFields: filter });
      texts.set(indexDescriptor, { kind: "vector-index", staged, text });
    }
  }
  return texts;
}
