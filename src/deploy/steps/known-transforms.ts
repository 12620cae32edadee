/**
 * Recognises the transforms that were applied to a component among those that its code exports now: by name, or as the same
 * export of another module. The others are new.
 */
import { TrueupError } from "../../errors/index.js";
import type { Exported } from "../../functions/index.js";
import type { DeclaredTransform } from "../../seams/index.js";
import { rewriteType, type ValidatorJson } from "../../schema/index.js";
import { fingerprintOf } from "./transform-functions.js";
import type { AppliedStep, AppliedTransform } from "./step-history.js";

export class KnownTransforms {
  /** With the names that they and their tables have now. */
  readonly applied: readonly AppliedTransform[];
  readonly fresh: readonly Exported<DeclaredTransform>[];
  readonly #exported = new Set<AppliedTransform>();

  constructor(
    history: readonly AppliedStep[],
    exported: readonly Exported<DeclaredTransform>[],
    newName: (table: string) => string,
  ) {
    const inNewNames = (type: ValidatorJson | null): ValidatorJson | null =>
      type === null ? null : rewriteType(type, { table: newName, field: (name) => name });
    const byName = new Map(exported.map((each) => [each.name, each]));
    const left = new Map(byName);
    const transforms = history.filter((step) => step.kind === "transform");
    for (const { name } of transforms) left.delete(name);
    const applied: AppliedTransform[] = [];
    for (const known of transforms) {
      const before = inNewNames(known.before);
      const step = { ...known, table: newName(known.table), before, after: inNewNames(known.after) };
      const now = byName.get(step.name) ?? movedTo(step, left.values());
      if (now !== undefined) left.delete(now.name);
      const same = { ...step, name: now?.name ?? step.name };
      applied.push(same);
      if (now !== undefined) this.#exported.add(same);
    }
    this.applied = applied;
    this.fresh = [...left.values()];
    for (const each of this.fresh) this.#assertNew(each);
  }

  /** Refuses one that may be an applied transform which has moved and changed on the way: applying it again could do harm. */
  #assertNew({ name, declared }: Exported<DeclaredTransform>): void {
    const moved = this.applied.find(
      (step) =>
        !this.#exported.has(step) && step.table === declared.table && exportOf(step.name) === exportOf(name),
    );
    if (moved === undefined) return;
    throw new TrueupError(
      "TRANSFORM_INVALID",
      `${name} may be the transform ${moved.name}, which was applied to "${moved.table}" and is not exported any more, but it reads otherwise. ` +
        `Export it as ${moved.name} if it is the same, or by another name than ${exportOf(name)} if it is to be applied.`,
      { name, applied: moved.name },
    );
  }

  get names(): ReadonlySet<string> {
    return new Set(this.applied.map(({ name }) => name));
  }

  /** The last ones of a table, as far as they are no longer exported; the latest comes first. */
  retired(table: string): readonly AppliedTransform[] {
    const own = this.applied.filter((step) => step.table === table).toReversed();
    const end = own.findIndex((step) => this.#exported.has(step));
    return end < 0 ? own : own.slice(0, end);
  }
}

function movedTo(
  step: AppliedTransform,
  exported: Iterable<Exported<DeclaredTransform>>,
): Exported<DeclaredTransform> | undefined {
  return [...exported].find((each) => isSameElsewhere(step, each));
}

/** Whether it is the same export of another module, as far as its source shows. */
function isSameElsewhere(step: AppliedTransform, { name, declared }: Exported<DeclaredTransform>): boolean {
  const isSameExport = exportOf(step.name) === exportOf(name) && step.table === declared.table;
  return isSameExport && step.fingerprint === fingerprintOf(declared);
}

/** The export's part of a declaration's name, `module:export`: it stays the same when the export moves to another module. */
export function exportOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}
