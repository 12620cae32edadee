/** The stored counts of tables: "documents,bytes", one record per table, kept with every commit. */

/** The number of documents of a table and their size. */
export interface TableCounts {
  readonly documents: number;
  /** The sum of the documents' sizes, system fields included, as Convex measures them. */
  readonly sizeBytes: number;
}

export function parseCounts(text: string | undefined): TableCounts {
  if (text === undefined) return { documents: 0, sizeBytes: 0 };
  const comma = text.indexOf(",");
  return { documents: Number(text.slice(0, comma)), sizeBytes: Number(text.slice(comma + 1)) };
}

export function formatCounts({ documents, sizeBytes }: TableCounts): string {
  return `${documents},${sizeBytes}`;
}
