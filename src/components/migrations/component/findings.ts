/** What checks find, added up over their batches. The counts are whole, of examples only the first are kept. */
import type { MigrationResult } from "../protocol.js";
import type { Rehearsal, Verification } from "../status.js";
import type { CheckRow, Findings } from "./rows.js";

const kept = 20;

export function noFindings(kind: Findings["kind"]): Findings {
  if (kind === "verify") return { kind, findings: { violated: 0, examples: [] } };
  const counts = { changed: 0, unchanged: 0, changes: {}, otherWrites: {}, notIdempotent: 0 };
  return { kind, findings: { ...counts, examples: [], notIdempotentExamples: [] } };
}

/** Adds what a batch found. */
export function addFindings(row: CheckRow, result: MigrationResult, rehearsal: Rehearsal | undefined): void {
  if (row.kind === "verify") row.findings = withViolations(row.findings, result.violations ?? []);
  else if (rehearsal !== undefined) row.findings = sumOf(row.findings, rehearsal);
}

function withViolations(found: Verification, violations: readonly string[]): Verification {
  return {
    violated: found.violated + violations.length,
    examples: [...found.examples, ...violations].slice(0, kept),
  };
}

function sumOf(a: Rehearsal, b: Rehearsal): Rehearsal {
  return {
    changed: a.changed + b.changed,
    unchanged: a.unchanged + b.unchanged,
    changes: added(a.changes, b.changes),
    otherWrites: added(a.otherWrites, b.otherWrites),
    examples: [...a.examples, ...b.examples].slice(0, kept),
    notIdempotent: a.notIdempotent + b.notIdempotent,
    notIdempotentExamples: [...a.notIdempotentExamples, ...b.notIdempotentExamples].slice(0, kept),
  };
}

function added(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sum = { ...a };
  for (const [what, count] of Object.entries(b)) sum[what] = (sum[what] ?? 0) + count;
  return sum;
}

/** Notes a document that failed in the check. */
export function addFailure(row: CheckRow, documentId: string, error: string): void {
  if (row.failures.length < kept) row.failures = [...row.failures, { documentId, error }];
}
