/** Lists in parts. */

export const defaultPageSize = 100;

/** A part of a list, and the cursor of the next one. */
export interface Page<T> {
  page: T[];
  cursor: string;
  isDone: boolean;
}

export function cursorArgs(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

/** Everything on all pages. */
export async function* eachOf<T>(
  pageAt: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  for (let isDone = false; !isDone;) {
    const part = await pageAt(cursor);
    yield* part.page;
    ({ cursor, isDone } = part);
  }
}
