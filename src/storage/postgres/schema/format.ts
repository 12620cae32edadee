/** What the tables and functions of this version have in common. */

/** Stored with the data: a version of Trueup reads the formats up to its own. */
export const format = 1;

/** Keys that are longer are stored in two parts: rows of an index end at 2,704 bytes. */
export const keyBytes = 2500;

/** Of functions: plans are made once, and go by the indexes. */
export const planSettings: string =
  "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off";

/** Errors that the functions raise, by their SQLSTATE. */
export const raised = {
  /** What the process knew, or reads, is older than what is kept. */
  tooOld: "TU002",
  /** The last commit that the process knows is not there: the database went back. */
  wentBack: "TU003",
  /** The data was moved; the message says where to. */
  moved: "TU005",
} as const;
