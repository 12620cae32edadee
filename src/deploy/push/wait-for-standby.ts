/** Tells the CLI about aggregates that are built for a push, in the words that it has: as indexes. */
import type { StandbyBuild } from "../../integrity/index.js";
import type { SchemaStatus } from "../preparation/schema-preparation.js";

/** Waits for the end of the builds, but no longer than the time given. */
export async function waitForStandby(standby: StandbyBuild, timeoutMs: number): Promise<SchemaStatus> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    const isReady = await Promise.race([standby.whenReady().then(() => true), late]);
    return isReady ? { type: "complete" } : inProgress(standby);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { type: "failed", error: message, componentPath: "", tableName: null };
  } finally {
    clearTimeout(timer);
  }
}

function inProgress(standby: StandbyBuild): SchemaStatus {
  const components = standby
    .progress()
    .map(({ componentPath, ready, total }) => [
      componentPath,
      { schemaValidationComplete: true, indexesComplete: ready, indexesTotal: total },
    ]);
  return { type: "inProgress", components: Object.fromEntries(components) };
}
