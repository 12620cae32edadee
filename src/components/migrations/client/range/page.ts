/**
 * Reads the documents of one batch. The page is read before anything is changed, so a change cannot make
 * the same batch meet a document twice; it ends early when its documents grow large, because a transaction
 * may read only 16 MiB and reads most of them again to change them.
 */
import { getDocumentSize } from "convex/values";
import { nativeStoreOf } from "../../../../seams/index.js";
import { migrationErrorData } from "../../component/failures.js";
import {
  compareKeys,
  cursorOf,
  cursorOfDatabase,
  endCursor,
  keyOf,
  positionOf,
  type IndexKey,
  type Position,
  type StoredDocument,
} from "./cursor.js";
import { queriesBehind, rangeChanged, type Database } from "./index-ranges.js";
import { isKeyed, unsupported, type KeyedRange, type Range, type RangeBuilder } from "./range.js";

const pageBytes = 3 << 20;
const measuredEach = 4;
/** Documents read in one call where that is cheaper than one by one. */
const firstChunk = 16;
const chunk = 256;
/** Documents the database may look at for one page of a filtered range. */
const filteredRows = 8_000;

/** The documents of one batch. */
export interface Page {
  readonly documents: readonly StoredDocument[];
  /** True when nothing is left behind the page. */
  readonly isDone: boolean;
  /** Where to go on behind the whole page. */
  readonly continueCursor: string;
  /** Where to go on behind the document at `index`; null when only the page's end can be found again. */
  cursorBehind(index: number): string | null;
}

/** Which page to read. */
export interface PageRequest {
  readonly range: Range;
  /** What `range` was recorded from. */
  readonly customRange: RangeBuilder | undefined;
  readonly cursor: string | null;
  /** What the cursor is known to belong to. */
  readonly cursorRange: string | undefined;
  readonly limit: number;
  /** The last place to read to; the range ends there. */
  readonly until?: string | undefined;
}

/**
 * Reads at most `limit` documents behind the cursor.
 * @throws MIGRATION_RANGE_CHANGED when the cursor is of another range
 * @throws MIGRATION_RANGE_UNSUPPORTED when it should end at a place that is no index key
 */
export async function readPage(db: Database, request: PageRequest): Promise<Page> {
  const { range, cursor, cursorRange, limit } = request;
  const position = positionOf(cursor);
  const moved = cursorRange !== undefined && cursorRange !== range.description;
  if (position === null || (cursor !== null && moved)) throw rangeChanged(range, cursorRange);
  if (position.kind === "end") return pageOf([], true, () => null);
  const { fields } = range;
  if (position.kind === "database" || fields === null || (position.kind === "start" && !isKeyed(range))) {
    return readDatabasePage(db, request, position);
  }
  const key = position.kind === "key" ? position.key : null;
  const until = request.until === undefined ? null : lastKey(range, request.until);
  return readKeyedPage(db, { ...range, fields }, key, limit, until);
}

/**
 * The cursor behind the last document of a page that was the last of its range, when documents are behind it by now; null
 * when there are none, or where the fields of the index are not known.
 */
export async function tailBehind(
  db: Database,
  request: PageRequest,
  last: StoredDocument,
): Promise<string | null> {
  const { fields } = request.range;
  if (fields === null) return null;
  const cursor = cursorOf(fields, last);
  const { documents } = await readPage(db, { ...request, cursor, limit: 1 });
  return documents.length > 0 ? cursor : null;
}

async function readKeyedPage(
  db: Database,
  range: KeyedRange,
  key: IndexKey | null,
  limit: number,
  until: IndexKey | null,
): Promise<Page> {
  const documents: StoredDocument[] = [];
  const cursorBehind = (index: number): string => cursorOf(range.fields, documents[index]);
  let [bytes, sizeBytes] = [0, 0];
  for await (const some of nativeStoreOf(db) === null
    ? oneByOne(db, range, key)
    : inChunks(db, range, key, limit)) {
    for (const document of some) {
      if (until !== null && compareKeys(keyOf(range.fields, document), until, range.order) > 0) {
        return pageOf(documents, true, cursorBehind);
      }
      // Measuring costs as much as reading does, so one document is measured for a few that follow each other.
      if (documents.length % measuredEach === 0) sizeBytes = getDocumentSize(document);
      documents.push(document);
      bytes += sizeBytes;
      if (documents.length >= limit || bytes >= pageBytes) return pageOf(documents, false, cursorBehind);
    }
  }
  return pageOf(documents, true, cursorBehind);
}

/** Reads one query, which stops where the page ends. This is the cheapest way on Convex Cloud. */
async function* oneByOne(
  db: Database,
  range: KeyedRange,
  key: IndexKey | null,
): AsyncGenerator<readonly StoredDocument[]> {
  for (const query of queriesBehind(db, range, key)) {
    for await (const document of query) yield [document];
  }
}

/**
 * Reads many documents in one call, but not so many that Trueup does not keep them at hand for the writes that follow. This is
 * the cheapest way on Trueup. The first chunk is small, because nobody knows yet how large the documents are.
 */
async function* inChunks(
  db: Database,
  range: KeyedRange,
  key: IndexKey | null,
  limit: number,
): AsyncGenerator<readonly StoredDocument[]> {
  let place = key;
  for (let read = 0, size = firstChunk; read < limit; size = chunk) {
    const documents: StoredDocument[] = [];
    const wanted = Math.min(size, limit - read);
    for (const query of queriesBehind(db, range, place)) {
      documents.push(...(await query.take(wanted - documents.length)));
      if (documents.length === wanted) break;
    }
    const last = documents.at(-1);
    yield documents;
    if (last === undefined || documents.length < wanted) return;
    read += documents.length;
    place = keyOf(range.fields, last);
  }
}

const untilNeedsKeys = "a part of it can be reverted only where a cursor is an index key";

/** The key of the last document to read; null to read to the end. */
function lastKey(range: Range, until: string): IndexKey | null {
  const position = positionOf(until);
  if (position?.kind === "start" || position?.kind === "end") return null;
  if (position?.kind !== "key") throw unsupported(range.table, untilNeedsKeys);
  return position.key;
}

async function readDatabasePage(db: Database, request: PageRequest, position: Position): Promise<Page> {
  const { range, customRange, limit } = request;
  if (position.kind === "key") throw rangeChanged(range);
  if (request.until !== undefined) throw unsupported(range.table, untilNeedsKeys);
  const cursor = position.kind === "database" ? position.cursor : null;
  const table = db.query(range.table);
  const query = (customRange === undefined ? table : customRange(table as never)) as PaginatedQuery;
  try {
    const page = await query.paginate({
      cursor,
      numItems: limit,
      maximumRowsRead: filteredRows,
      maximumBytesRead: pageBytes,
    });
    const behind = cursorOfDatabase(page.continueCursor);
    const last = page.page.length - 1;
    return { ...pageOf(page.page, page.isDone, (i) => (i === last ? behind : null)), continueCursor: behind };
  } catch (error) {
    throw isInvalidCursor(error) ? rangeChanged(range) : error;
  }
}

function pageOf(
  documents: readonly StoredDocument[],
  isDone: boolean,
  cursorBehind: (index: number) => string | null,
): Page {
  const continueCursor = isDone ? endCursor : (cursorBehind(documents.length - 1) ?? endCursor);
  return { documents, isDone, continueCursor, cursorBehind };
}

/** The part of a query that reads a page. */
interface PaginatedQuery {
  paginate(options: {
    cursor: string | null;
    numItems: number;
    maximumRowsRead: number;
    maximumBytesRead: number;
  }): Promise<{ page: StoredDocument[]; isDone: boolean; continueCursor: string }>;
}

function isInvalidCursor(error: unknown): boolean {
  if (migrationErrorData(error) !== null || !(error instanceof Error)) return false;
  const data = "data" in error ? JSON.stringify(error.data) : "";
  const code = "code" in error ? String(error.code) : "";
  return /InvalidCursor|INVALID_CURSOR|not valid JSON|Unexpected token/.test(
    `${error.message} ${data} ${code}`,
  );
}
