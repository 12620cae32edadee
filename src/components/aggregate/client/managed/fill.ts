/** Does one batch of a build: reads the next documents of the table and hands their items to the component. */
import { runMutation } from "../call.js";
import type { FunctionReturnType } from "convex/server";
import { ConvexError } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { Operation } from "../aggregate.js";
import { putOperation, type WrittenItem } from "../operations.js";
import { readPage, sizeOf } from "./table-reading.js";
import { isSame } from "./table-source.js";
import type { AdvanceCtx, Source, StoredDocument } from "./types.js";

/** The batch that the component asks for. */
export type FillRequest = Extract<FunctionReturnType<ComponentApi["generations"]["due"]>, { kind: "fill" }>;

export interface Failure {
  message: string;
  documentId?: string;
}

/** Hands over the next batch, or has the component try a smaller one when that fails. */
export async function fillNext(ctx: AdvanceCtx, source: Source, request: FillRequest): Promise<void> {
  const beganAtMs = Date.now();
  const { generation, cursor, limit, isFirst } = request;
  const { documents, isDone } = await readPage(ctx.db, source.table, cursor, limit);
  const { operations, failure } = itemsOf(source, documents);
  const { fill, shrink } = source.component.generations;
  try {
    await runMutation(ctx, fill, {
      generation,
      operations,
      creationTimes: documents.slice(0, operations.length).map(({ _creationTime }) => _creationTime),
      isDone,
      beganAtMs,
      ...(failure && { failure }),
      ...(isFirst && { size: await sizeOf(ctx.db, source.table) }),
    });
  } catch (error) {
    // Whatever is wrong with the batch, a smaller one is more likely to go through.
    const [first] = documents;
    await runMutation(ctx, shrink, {
      generation,
      failure: { message: String(error), ...(first && limit === 1 && { documentId: first._id }) },
    });
  }
}

/** The items of documents, up to the first document of which no item can be made. */
function itemsOf(
  source: Source,
  documents: readonly StoredDocument[],
): { operations: Operation[]; failure: Failure | null } {
  const operations: Operation[] = [];
  for (const document of documents) {
    try {
      operations.push(putOperation(pureItemOf(source, document)));
    } catch (error) {
      return { operations, failure: { message: messageOf(error), documentId: document._id } };
    }
  }
  return { operations, failure: null };
}

/**
 * The item of a document, which is made twice, because functions that make another one each time would never agree with the
 * table.
 * @throws AGGREGATE_DOCUMENT_FAILED
 */
export function pureItemOf(source: Source, document: StoredDocument): WrittenItem {
  const item = source.itemOf(document);
  if (isSame(item, source.itemOf(document))) return item;
  throw new Error(
    "the aggregate's functions make another item of the same document each time: they must be pure",
  );
}

export function messageOf(error: unknown): string {
  if (error instanceof ConvexError) {
    const data: unknown = error.data;
    if (typeof data === "object" && data !== null && "message" in data) return String(data.message);
  }
  return error instanceof Error ? error.message : String(error);
}
