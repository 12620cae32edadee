/** What the status of a migration says: whether it has begun, whether it is complete, and how far it is, as a line of the log. */
import type { DeployMigrationStatus } from "../../seams/index.js";

/** Whether it has come to any document. */
export function hasBegun(status: DeployMigrationStatus | undefined): boolean {
  return status !== undefined && status.state !== "unknown";
}

/** Whether it is done, with no document of its own left in quarantine. */
export function isComplete({ isDone, failed }: DeployMigrationStatus): boolean {
  return isDone && (failed ?? 0) === 0;
}

/** `is running: 12,000 of 231,083 documents, 3,400/s, 64 s left`. */
export function progressText(status: DeployMigrationStatus): string {
  const { state, processed, total, failed, documentsPerSecond, remainingMs, error, errorDocumentId } = status;
  const documents = typeof total === "number" ? `${count(processed)} of ${count(total)}` : count(processed);
  const rate = typeof documentsPerSecond === "number" ? `, ${count(Math.round(documentsPerSecond))}/s` : "";
  const left = typeof remainingMs === "number" ? `, ${count(Math.ceil(remainingMs / 1000))} s left` : "";
  const aside = (failed ?? 0) > 0 ? `, ${count(failed ?? 0)} in quarantine` : "";
  switch (state) {
    case "inProgress":
      return `is running: ${documents} documents${rate}${left}${aside}`;
    case "success":
      return `is done: ${count(processed)} documents${aside}`;
    case "failed": {
      const where = errorDocumentId === undefined ? "" : ` on document ${errorDocumentId}`;
      return `failed${where} after ${documents} documents: ${error ?? "unknown error"}`;
    }
    default:
      return `is ${state}: ${documents} documents${aside}`;
  }
}

function count(documents: number): string {
  return documents.toLocaleString("en-US");
}
