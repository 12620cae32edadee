/**
 * Where the data of a deployment lies, as whoever moves it sees it: a file, a schema of a database. What is moved are entries
 * and the version; so ids, creation times, jobs, code and everything else that the database made of entries moves with them.
 */
import type { Entry, Version } from "./storage.js";

export interface DataPlace {
  /** For people: a path, or an address without its password. */
  readonly name: string;
  /**
   * Takes hold of the data that lies there, so that nobody else opens it or writes to it; null when there is none.
   * @throws STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_TOO_NEW, STORAGE_UNAVAILABLE
   */
  hold(): Promise<HeldData | null>;
  /** Begins to put data there. @throws STORAGE_NOT_EMPTY when there is some, STORAGE_UNAVAILABLE */
  fill(version: Version): Promise<DataFill>;
}

/** Data that nobody else can open. */
export interface HeldData {
  readonly version: Version;
  /** Where it was moved to; null when it was not. */
  readonly movedTo: string | null;
  /** All of it, in the order of keys. @throws STORAGE_CORRUPT */
  entries(): AsyncIterable<readonly Entry[]>;
  /** From now on whoever opens it gets STORAGE_MOVED, also after a crash; null takes that back. */
  markMoved(to: string | null): Promise<void>;
  /** Deletes it, and lets go of it. */
  remove(): Promise<void>;
  letGo(): Promise<void>;
}

/** Data that is being put to a place, where nobody sees it before `finish`. Ends with `finish` or `abandon`. */
export interface DataFill {
  /** In the order of keys. @throws STORAGE_FULL, STORAGE_UNAVAILABLE */
  add(entries: readonly Entry[]): Promise<void>;
  /** What has been added, as the place itself holds it now. */
  entries(): AsyncIterable<readonly Entry[]>;
  /** Makes all of it be there at once, durably. */
  finish(): Promise<void>;
  /** Leaves nothing of it. Never throws. */
  abandon(): Promise<void>;
}
