/** One batch of a build: reads the next documents of the table and hands over what they are to the aggregate. */
import { runMutation } from "../call.js";
import type { FunctionReturnType } from "convex/server";
import { ConvexError } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { Operation } from "../aggregate.js";
import { encodeKey } from "../../../../values/index.js";
import { putOperation, type WrittenItem } from "../operations.js";
import { readPage, sizeOf } from "./table-reading.js";
import type { AdvanceCtx, Source, StoredDocument } from "./types.js";

/** What the component asks for. */
export type FillRequest = Extract<FunctionReturnType<ComponentApi["generations"]["due"]>, { kind: "fill" }>;

export interface Failure {
  message: string;
  documentId?: string;
}

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
    // Whatever is wrong with the batch as a whole, a smaller one has less of it.
    const [first] = documents;
    await runMutation(ctx, shrink, {
      generation,
      failure: { message: String(error), ...(first && limit === 1 && { documentId: first._id }) },
    });
  }
}

/** The items of documents, up to one that has none. */
function itemsOf(
  source: Source,
  documents: readonly StoredDocument[],
): { operations: Operation[]; failure: Failure | null } {
  const operations: Operation[] = [];
  for (const document of documents) {
    try {
      const item = source.itemOf(document);
      if (textOf(item) !== textOf(source.itemOf(document))) {
        const message =
          "the aggregate's functions make another item of the same document each time: they must be pure";
        return { operations, failure: { message, documentId: document._id } };
      }
      operations.push(putOperation(item));
    } catch (error) {
      return { operations, failure: { message: messageOf(error), documentId: document._id } };
    }
  }
  return { operations, failure: null };
}

/** Equal for equal items of one document. */
function textOf({ namespace, key, sumValue, sumValues }: WrittenItem): string {
  return encodeKey([namespace, key, sumValue, ...Object.values(sumValues ?? {})]);
}

function messageOf(error: unknown): string {
  if (error instanceof ConvexError) {
    const data: unknown = error.data;
    if (typeof data === "object" && data !== null && "message" in data) return String(data.message);
  }
  return String(error);
}
