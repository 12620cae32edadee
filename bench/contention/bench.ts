/** Measures how often writers are aborted, by library and way of contending, as one table. Nothing here depends on time. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { componentFrom } from "../harness/hosts.js";
import { SimulatedCloud, type SimulatedComponent } from "./cloud.js";
import {
  contend,
  WRITERS,
  workloads,
  type ContendedAggregate,
  type Contention,
  type Extent,
} from "./contend.js";
import { ownLibrary, publishedLibrary } from "./libraries.js";

interface Variant {
  readonly name: string;
  readonly component: SimulatedComponent;
  readonly open: () => ContendedAggregate;
}

/** A line of the table: a contention for each workload. */
export interface ContentionRow {
  readonly variant: string;
  readonly contentions: readonly Contention[];
}

export async function benchContention(extent: Extent, log: (line: string) => void): Promise<ContentionRow[]> {
  const published = await componentOf("@convex-dev/aggregate/convex.config");
  const own = await componentOf("trueup/aggregate/convex.config");
  const variants: Variant[] = [
    {
      name: "published, sums in the root",
      component: published,
      open: () => publishedLibrary({ rootLazy: false }),
    },
    { name: "published, lazy root (default)", component: published, open: () => publishedLibrary({}) },
    {
      name: "published, lazy root, nodes of 128",
      component: published,
      open: () => publishedLibrary({ maxNodeSize: 128 }),
    },
    { name: "ours, sums in the root", component: own, open: () => ownLibrary({ rootLazy: false }) },
    { name: "ours, lazy root (default)", component: own, open: () => ownLibrary({}) },
    { name: "ours, lazy root, nodes of 128", component: own, open: () => ownLibrary({ maxNodeSize: 128 }) },
    { name: "ours, queued", component: own, open: () => ownLibrary({}, { isQueued: true }) },
    { name: "ours, deltas", component: own, open: () => ownLibrary({}, { deltas: true }) },
  ];
  const rows: ContentionRow[] = [];
  for (const { name, component, open } of variants) {
    const contentions: Contention[] = [];
    for (const workload of workloads) {
      contentions.push(await contend(new SimulatedCloud(component), open(), workload, extent));
    }
    rows.push({ variant: name, contentions });
    log(`contention: ${name}`);
  }
  return rows;
}

/** Per workload: first tries that were aborted, and in all attempts per operation. */
export function contentionTable(rows: readonly ContentionRow[], { filled }: Pick<Extent, "filled">): string {
  const titles = { random: "inserts at random keys", append: "inserts at the end", replace: "replaces" };
  const head = [
    `${WRITERS} writers, ${filled.toLocaleString("en")} items`,
    ...workloads.map((workload) => titles[workload]),
    "reads meanwhile",
  ];
  const lines = rows.map(({ variant, contentions }) => [
    variant,
    ...contentions.map(
      ({ operations, firstTryAborts, aborts }) =>
        `${percent(firstTryAborts / operations)} (${(1 + aborts / operations).toFixed(2)})`,
    ),
    readsOf(contentions),
  ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function readsOf(contentions: readonly Contention[]): string {
  const refused = contentions.reduce((sum, { refusedReads }) => sum + refusedReads, 0);
  const reads = contentions.reduce((sum, each) => sum + each.reads, 0);
  return refused === 0 ? "exact" : `${percent(refused / reads)} refused`;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(fraction > 0 && fraction < 0.1 ? 1 : 0)} %`;
}

function componentOf(config: string): Promise<SimulatedComponent> {
  return componentFrom(dirname(fileURLToPath(import.meta.resolve(config))));
}
