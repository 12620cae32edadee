/** What a backend has done since it was opened, and how it stands. Read when somebody asks: nothing is paid for it before. */
import type { Database, TransformStatus } from "../database/index.js";
import type { Deployer, MigrationDriver, MigrationStanding, PendingSchemaStatus } from "../deploy/index.js";
import type { TrueupError } from "../errors/index.js";
import type { AggregateOverview, Aggregates } from "../integrity/index.js";
import type { JobFigures, Scheduler } from "../scheduler/index.js";
import type { StorageFigures } from "../storage/storage.js";

/** What a backend has done since it was opened, and how it stands. */
export interface BackendFigures {
  /** Commits that became visible, those of background work too. */
  readonly commits: number;
  /** Transactions that met a conflict and ran again; none where they run one after another. */
  readonly conflicts: number;
  /** Null for a storage without a disk. */
  readonly storage: StorageFigures | null;
  /** Why this process refuses calls: it cannot load the program that runs. Null while it can. */
  readonly programFailure: TrueupError | null;
  readonly jobs: JobFigures;
  readonly aggregates: readonly AggregateOverview[];
  /** The migrations that deploys start. */
  readonly migrations: readonly MigrationStanding[];
  /** Transforms that documents still need. */
  readonly transforms: readonly TransformStatus[];
  /** Schemas that migrations are still to bring every document into. */
  readonly pendingSchemas: readonly PendingSchemaStatus[];
}

interface Sources {
  readonly deploy: Pick<Deployer, "programFailure">;
  readonly database: Database;
  readonly scheduler: Scheduler;
  readonly aggregates: Aggregates;
  readonly migrations: MigrationDriver;
}

/** O(aggregates + migrations + due jobs): some reads of each. */
export async function readFigures(sources: Sources): Promise<BackendFigures> {
  const { deploy, database, scheduler, aggregates, migrations } = sources;
  const [jobs, overviews, standing, { value: transforms }, pendingSchemas] = await Promise.all([
    scheduler.figures(),
    aggregates.list(),
    migrations.standing(),
    database.query((tx) => tx.transforms(), { limits: null }),
    migrations.pending(),
  ]);
  return {
    commits: database.commits,
    conflicts: database.conflicts,
    storage: database.storage.figures?.() ?? null,
    programFailure: deploy.programFailure,
    jobs,
    aggregates: overviews,
    migrations: standing,
    transforms,
    pendingSchemas,
  };
}
