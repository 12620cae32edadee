/** What starting a migration by hand prints: how it stands, and the commands to go on with. */
import type { MigrationArgs } from "../component/protocol.js";
import type { CheckStatus, MigrationStatus } from "../component/status.js";

/**
 * The object that `npx convex run` prints. `componentPath` is where the app itself is mounted. `calledAt` is when the
 * call began, in milliseconds since 1970, which tells what this call did from what was done before.
 */
export function instructions(
  name: string,
  status: MigrationStatus,
  args: MigrationArgs,
  { componentPath, calledAt }: { componentPath: string; calledAt: number },
): Record<string, unknown> {
  const dryRun = args.dryRun === true;
  const output: Record<string, unknown> = {
    Status: (dryRun ? "DRY RUN: " : "") + statusLine(status, calledAt),
  };
  if (dryRun) output["DryRun"] = "No changes were committed.";
  output["Name"] = name;
  output["lastStarted"] = new Date(status.latestStart).toISOString();
  if (status.latestEnd !== undefined) output["lastFinished"] = new Date(status.latestEnd).toISOString();
  output["processed"] = status.processed;
  if (typeof status.total === "number") output["total"] = status.total;
  if (status.failed !== undefined && status.failed > 0) output["inQuarantine"] = status.failed;
  const next = status.next ?? [];
  if (next.length > 0) output[status.isDone ? "nowUp" : "nextUp"] = next;
  if (!dryRun) Object.assign(output, commands(name, status, args, componentPath));
  return output;
}

/** What starting a check by hand prints. */
export function checkInstructions(
  { kind, migration }: CheckStatus,
  componentPath: string,
): Record<string, unknown> {
  const args = `{name: ${JSON.stringify(migration)}}`;
  return {
    Status: kind === "rehearse" ? "Rehearsal started: nothing will be changed." : "Verification started.",
    Name: migration,
    toSeeFindings: { cmd: `${runCommand(componentPath)} --watch lib:getChecks`, args, prod: "--prod" },
  };
}

function runCommand(componentPath: string): string {
  return `npx convex run --component ${componentPath === "" ? "" : `${componentPath}/`}migrations`;
}

function statusLine(status: MigrationStatus, calledAt: number): string {
  if (status.isDone) {
    if (status.latestEnd !== undefined && status.latestEnd < calledAt) return "Migration already done.";
    const oneBatch = status.latestStart >= calledAt;
    return oneBatch
      ? "Migration was started and finished in one batch."
      : "Migration completed with this batch.";
  }
  if (status.state === "failed") return `Migration failed: ${status.error ?? "unknown error"}`;
  if (status.state === "canceled") return "Migration canceled.";
  if (status.state === "paused") return "Migration paused: it goes on when it is resumed.";
  return status.latestStart >= calledAt ? "Migration started." : "Migration running.";
}

function commands(
  name: string,
  status: MigrationStatus,
  args: MigrationArgs,
  componentPath: string,
): Record<string, unknown> {
  const run = runCommand(componentPath);
  const next = status.next ?? [];
  const monitor = (names: readonly string[]): Record<string, string> => ({
    cmd: `${run} --watch lib:getStatus`,
    args: `{names: ${JSON.stringify(names)}}`,
    prod: "--prod",
  });
  if (status.state === "inProgress") {
    const toCancel = { cmd: `${run} lib:cancel`, args: `{name: ${JSON.stringify(name)}}`, prod: "--prod" };
    return { toCancel, toMonitorStatus: monitor([name, ...next]) };
  }
  if (status.state === "paused") {
    return {
      toResume: { cmd: `${run} lib:resume`, args: `{name: ${JSON.stringify(name)}}`, prod: "--prod" },
    };
  }
  const toStartOver = JSON.stringify({ ...args, cursor: undefined, reset: true });
  return next.length > 0 ? { toStartOver, toMonitorStatus: monitor(next) } : { toStartOver };
}
