/** What questions are about, how they are asked, and the forms of their answers. */
import { v, type Infer } from "convex/values";
import { namespace, place, value } from "./operation.js";

const bound = v.object({ key: value, id: v.optional(v.string()), inclusive: v.optional(v.boolean()) });

/** Several namespaces: all that there are, a list of them, or the arrays among them that start with a prefix. */
export type NamespaceSet = Infer<typeof namespaceSet>;
const namespaceSet = v.union(
  v.literal("all"),
  v.array(v.object({ namespace })),
  v.object({ prefix: v.array(value) }),
);

/** The items that a question is about: those of one namespace, or of several, within bounds. */
export const range = {
  namespace,
  namespaces: v.optional(namespaceSet),
  bounds: v.optional(
    v.object({
      eq: v.optional(value),
      prefix: v.optional(v.array(value)),
      lower: v.optional(bound),
      upper: v.optional(bound),
    }),
  ),
};
export type Range = Infer<typeof rangeObject>;
export const rangeObject = v.object(range);

/** Names the definition of a managed aggregate; without it, a call is about the trees that nobody manages. */
export const definition = v.optional(v.string());

export type Reading = Infer<typeof readingObject>;
export const reading = {
  definition,
  /** A read is refused while writes are queued, unless it may be stale. */
  stale: v.optional(v.boolean()),
};
const readingObject = v.object(reading);

export const order = v.union(v.literal("asc"), v.literal("desc"));

/** The size of a page, and the cursor of the page before. */
export const paging = { cursor: v.optional(v.string()), limit: v.number() };

/** An item as reads return it: `sumValue` is 0 for an item that was added without. */
export type AnsweredItem = Infer<typeof item>;
export const item = v.object({
  ...place,
  sumValue: v.number(),
  sumValues: v.optional(v.record(v.string(), v.number())),
});

export const numberOrNull = v.union(v.number(), v.null());

/** How many items lie in a range, and the statistics of each measure that was asked for; null where no item has the measure. */
export type Statistics = Infer<typeof statistics>;
export const statistics = v.object({
  count: v.number(),
  measures: v.array(v.object({ count: v.number(), sum: v.number(), min: numberOrNull, max: numberOrNull })),
});

/** A page, and the cursor that the next one starts from; "" after the last. */
export interface Page<T> {
  page: T[];
  cursor: string;
  isDone: boolean;
}
export const itemPage = v.object({ page: v.array(item), cursor: v.string(), isDone: v.boolean() });
export const namespacePage = v.object({
  page: v.array(v.object({ namespace })),
  cursor: v.string(),
  isDone: v.boolean(),
});
