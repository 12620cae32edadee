/** Measures how often writers are aborted, by library and way of contending, as one table. Nothing here depends on time. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { componentFrom } from "../harness/hosts.js";
import { table } from "../harness/report.js";
import { SimulatedCloud, type SimulatedComponent } from "./cloud.js";
import {
  contend,
  writerCount,
  workloads,
  type ContendedAggregate,
  type Contention,
  type Extent,
  type Workload,
} from "./contend.js";
import { ownLibrary, publishedLibrary } from "./libraries.js";

interface Variant {
  readonly name: string;
  readonly component: SimulatedComponent;
  readonly open: () => ContendedAggregate;
}

/** A line of the table: the figures for each workload and size. */
export interface ContentionRow {
  readonly variant: string;
  readonly found: readonly (Contention & Extent & { readonly workload: Workload })[];
}

export async function benchContention(
  extents: readonly Extent[],
  log: (line: string) => void,
): Promise<ContentionRow[]> {
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
    const found: ContentionRow["found"][number][] = [];
    for (const workload of workloads) {
      for (const extent of extents) {
        const contention = await contend(new SimulatedCloud(component), open(), workload, extent);
        found.push({ workload, ...extent, ...contention });
      }
    }
    rows.push({ variant: name, found });
    log(`contention: ${name}`);
  }
  return rows;
}

/** Counts, for each workload, the first tries that were aborted at each size, and the attempts per operation over all sizes. */
export function contentionTable(rows: readonly ContentionRow[]): string {
  const titles = { random: "inserts at random keys", append: "inserts at the end", replace: "replaces" };
  const sizes = [...new Set(rows.flatMap(({ found }) => found.map(({ filled }) => filled)))];
  const head = [
    `${writerCount} writers; items: ${sizes.map((size) => size.toLocaleString("en")).join(" / ")}`,
    ...workloads.map((workload) => titles[workload]),
    "reads meanwhile",
  ];
  const lines = rows.map(({ variant, found }) => [
    variant,
    ...workloads.map((workload) => {
      const some = found.filter((each) => each.workload === workload);
      const aborted = some.map(({ firstTryAborts, operations }) => percent(firstTryAborts / operations));
      const attempts =
        1 + total(some.map(({ aborts }) => aborts)) / total(some.map((each) => each.operations));
      return `${new Set(aborted).size === 1 ? aborted[0] : aborted.join(" / ")} % (${attempts.toFixed(2)})`;
    }),
    readsOf(found),
  ]);
  return table(head, lines);
}

function readsOf(found: readonly Contention[]): string {
  const refused = total(found.map(({ refusedReads }) => refusedReads));
  const reads = total(found.map((each) => each.reads));
  return refused === 0 ? "exact" : `${percent(refused / reads)} % refused`;
}

function percent(fraction: number): string {
  return (fraction * 100).toFixed(fraction > 0 && fraction < 0.095 ? 1 : 0);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function componentOf(config: string): Promise<SimulatedComponent> {
  return componentFrom(dirname(fileURLToPath(import.meta.resolve(config))));
}
