/**
 * Finds managed aggregates among what modules export, by their brand and not by their class, since a bundle brings its own
 * copy of the class. The name of an aggregate is that of its component: `components.byScore` of the app is `byScore`,
 * whichever modules export it, and however often. Two aggregates that differ cannot share a component.
 */
import { getFunctionAddress } from "convex/server";
import { TrueupError } from "../../errors/index.js";
import { managedAggregate, type ManagedAggregate } from "../../seams/index.js";
import { closestName } from "./closest-name.js";

/** A managed aggregate with its place in the program. */
export interface ExportedAggregate {
  /** The path of its component: `byScore`, or `mounted/byScore` for one of a component mounted in the app. */
  readonly name: string;
  /** The component that exports it and that has its table; "" is the app. */
  readonly componentPath: string;
  readonly aggregate: ManagedAggregate;
  /** `module:export`, for messages. */
  readonly exportedAs: string;
}

/** What an export is checked against in its component. */
interface Surroundings {
  readonly path: string;
  readonly childNames: readonly string[];
  /** The tables of the component's schema; null when it has none, so that any table will do. */
  readonly tableNames: readonly string[] | null;
}

/** The managed aggregates that the modules of one component export. */
export class ExportedAggregates {
  readonly #exports: { readonly place: string; readonly aggregate: ManagedAggregate }[] = [];
  /** Sorted by name. */
  all: readonly ExportedAggregate[] = [];

  /** Takes up every managed aggregate among a module's exports. */
  add(modulePath: string, module: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === "object" && value !== null && managedAggregate in value) {
        const aggregate = value[managedAggregate] as ManagedAggregate | undefined;
        if (aggregate !== undefined) this.#exports.push({ place: `${modulePath}:${name}`, aggregate });
      }
    }
  }

  /**
   * Names each aggregate once all modules are imported. Returns what is wrong instead of throwing it, because a program may be
   * loaded in order to be mended: then the aggregates that are wrong are left out.
   */
  settle(surroundings: Surroundings): TrueupError[] {
    const problems: TrueupError[] = [];
    const byName = new Map<string, ExportedAggregate>();
    for (const { place, aggregate } of this.#exports) {
      try {
        const found = locate(place, aggregate, surroundings);
        const known = byName.get(found.name);
        if (known === undefined) byName.set(found.name, found);
        else assertSame(known, found);
      } catch (error) {
        if (!(error instanceof TrueupError)) throw error;
        problems.push(error);
      }
    }
    this.all = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return problems;
  }
}

/** @throws COMPONENT_MISSING, AGGREGATE_TABLE_MISSING */
function locate(
  exportedAs: string,
  aggregate: ManagedAggregate,
  { path, childNames, tableNames }: Surroundings,
): ExportedAggregate {
  const child = componentNameOf(aggregate);
  if (child === null || !childNames.includes(child)) {
    const meant = child === null ? null : closestName(child, [...childNames]);
    throw new TrueupError(
      "COMPONENT_MISSING",
      `The aggregate '${exportedAs}' is kept in a component '${child ?? "?"}' that is not mounted.` +
        (meant === null ? "" : ` Did you mean '${meant}'?`),
      { componentPath: child ?? "", exportedAs },
    );
  }
  const { table } = aggregate;
  if (tableNames !== null && !tableNames.includes(table)) {
    const meant = closestName(table, [...tableNames]);
    throw new TrueupError(
      "AGGREGATE_TABLE_MISSING",
      `The aggregate '${exportedAs}' is of a table '${table}' that the schema does not have.` +
        (meant === null ? "" : ` Did you mean '${meant}'?`),
      { table, exportedAs, ...(meant === null ? {} : { didYouMean: meant }) },
    );
  }
  const name = path === "" ? child : `${path}/${child}`;
  return { name, componentPath: path, aggregate, exportedAs };
}

/** `components.byScore` → `byScore`; null for anything but a reference to a mounted component. */
function componentNameOf({ component }: ManagedAggregate): string | null {
  try {
    const { reference } = getFunctionAddress(component);
    return /^_reference\/childComponent\/([^/]+)$/.exec(String(reference))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Accepts a definition that bundles bring several times. @throws AGGREGATE_COMPONENT_SHARED */
function assertSame(known: ExportedAggregate, other: ExportedAggregate): void {
  const isSame =
    known.aggregate === other.aggregate ||
    (known.aggregate.definition === other.aggregate.definition &&
      known.aggregate.table === other.aggregate.table);
  if (isSame) return;
  throw new TrueupError(
    "AGGREGATE_COMPONENT_SHARED",
    `The aggregates '${known.exportedAs}' and '${other.exportedAs}' differ, and both are kept in the component '${known.name}'.`,
    { component: known.name, exportedAs: other.exportedAs, exports: [known.exportedAs, other.exportedAs] },
  );
}
