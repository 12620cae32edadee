/**
 * How many cases a property of the database tries: as many as it says, but a share of them where `TRUEUP_SHARE_OF_RUNS`
 * asks for less. The tests of a mutant are run a thousand times, so they take a tenth.
 */
const share = Number(process.env["TRUEUP_SHARE_OF_RUNS"] ?? 1);

/** At least one. */
export function runs(count: number): number {
  return Math.max(1, Math.round(count * share));
}
