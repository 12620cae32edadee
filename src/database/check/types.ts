/** What a check of the data reports. */

/**
 * What is wrong. A `damagedDocument` cannot be read, and a `lostDocument` is gone though its id is there. A repair can mend
 * neither; in `derivedTables` it removes what is left of them. It mends what is derived: `missingId`, `wrongId`,
 * `missingIndexEntry`, `wrongIndexEntry`, `wrongCounts`, `damagedEntry`. A `strayEntry` belongs to no table or index that exists.
 */
export type DataDifferenceKind =
  | "damagedDocument"
  | "damagedEntry"
  | "lostDocument"
  | "missingId"
  | "missingIndexEntry"
  | "strayEntry"
  | "wrongCounts"
  | "wrongId"
  | "wrongIndexEntry";

/** One place where what is derived does not follow from the documents, or where a stored value is damaged. */
export interface DataDifference {
  readonly kind: DataDifferenceKind;
  /** The component's path, `""` for the app. */
  readonly componentPath: string;
  readonly table?: string;
  readonly index?: string;
  readonly documentId?: string;
  /** In hexadecimal, where no document is concerned. */
  readonly key?: string;
  /** More, for people. */
  readonly message?: string;
  readonly fixed: boolean;
}

export interface DataCheckOptions {
  /** Mends what is derived from documents. */
  readonly repair?: boolean;
  /** The app's system tables whose documents can be made anew, each with how: the message of what is found in it. */
  readonly derivedTables?: ReadonlyMap<string, string>;
  /** Called after each batch with how many entries have been looked at. */
  readonly onProgress?: (checked: number) => void;
}

/** What a check of all documents, ids, indexes and counts found. */
export interface DataCheck {
  readonly tables: number;
  readonly documents: number;
  /** Documents and entries that were looked at. */
  readonly checked: number;
  readonly differences: readonly DataDifference[];
  /** What could not be looked at, in whole sentences: a transform whose function is not loaded, a table that was too busy. */
  readonly unchecked: readonly string[];
}
