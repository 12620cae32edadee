/** Error codes of aggregates, sorted by name. Apps find them in the data of `ConvexError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

export const aggregateCodes = {
  AGGREGATE_BUILDING: retryable(
    "The aggregate is still being built, so it cannot answer yet.",
    'Try again later: the error\'s data has processed, total and etaMs; or read with { whileBuilding: "wait" }.',
  ),
  AGGREGATE_DOCUMENT_FAILED: final(
    "A function of the aggregate's definition threw on a document, or returned a value that the aggregate cannot keep.",
    "Mend the document that documentId names, or make sortKey, sumValue and namespace accept every document.",
  ),
  AGGREGATE_UNMANAGED: final(
    "The aggregate names no table, so it is not managed.",
    "Pass the option table to TableAggregate: then the aggregate is built from that table and has a status.",
  ),
  AGGREGATE_WRITE_IN_QUERY: final(
    "A query cannot write to an aggregate.",
    "Write from a mutation or an action, with its ctx.",
  ),
  DELETE_MISSING_KEY: final(
    "The item is not in the aggregate.",
    "Write every change of the table to the aggregate, or use deleteIfExists and replaceOrInsert.",
  ),
  DUPLICATE_KEY: final(
    "The aggregate already has an item with this key and id.",
    "Use insertIfDoesNotExist, or give each item an id of its own.",
  ),
  INVALID_BOUNDS: final(
    "A key in the bounds is undefined.",
    "Give it a value, or leave the bounds out to ask for everything.",
  ),
  INVALID_EDGES: final("The edges of a histogram do not ascend.", "Sort them, and name each only once."),
  INVALID_INTERVAL: final(
    "The interval of verifyEvery is shorter than a second.",
    "Give days, hours, minutes or seconds, which are added up: { hours: 24 }, for example.",
  ),
  INVALID_NODE_SIZE: final(
    "A tree cannot have nodes of this size.",
    "Use an even maxNodeSize from 4 to 4096; 16 suits most aggregates.",
  ),
  INVALID_OFFSET: final(
    "The offset is not a whole number.",
    "Round it: Math.floor(count * 0.95), for example.",
  ),
  INVALID_PAGE_SIZE: final("The page size is not positive.", "Ask for at least one item."),
  INVALID_PERCENTILE: final(
    "The percentile is not from 0 to 100.",
    "Give it in percent: 50 is the median, and one item in a thousand lies above 99.9.",
  ),
  ITEM_TOO_LARGE: final(
    "The item's key, id and values take up too many bytes.",
    "Sort by something shorter: a prefix, a hash, an id.",
  ),
  OFFSET_OUT_OF_RANGE: final(
    "There are fewer items within the bounds than the offset asks for.",
    "Compare the offset with the count first, or use paginate.",
  ),
  PENDING_OPERATIONS: retryable(
    "The aggregate has queued writes that are not applied yet, or more deltas than one call can apply.",
    "Read with { stale: true } and write with { async: true }, or wait until the worker has applied them.",
  ),
  TREE_DAMAGED: final(
    "A node of the aggregate's tree is missing.",
    "Repair the aggregate, which rebuilds its tree from the table. Only a change of the component's own tables from outside can cause this.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
