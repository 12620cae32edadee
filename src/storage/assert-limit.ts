/** Refuses a scan limit that is not a positive whole number: a mistake in the caller, never bad input. */
export function assertLimit(limit: number | undefined): void {
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new RangeError(`A scan's limit must be a whole number of at least 1, not ${limit}.`);
  }
}
