/**
 * Keeps the plain aggregate of a history's documents, sometimes in the published component and sometimes in ours: some deploys
 * exchange them. Whatever else such a deploy does, the items must stay what the writer has made them.
 */
import assert from "node:assert/strict";
import type { GenericMutationCtx, GenericQueryCtx, GenericDataModel } from "convex/server";
import type { Backend, ComponentModules } from "trueup";
import ours from "trueup/aggregate/test";
import type { HostCtx } from "../aggregate/hosts.js";
import { call } from "../setup/open-app.js";
import { classes, publishedComponent, type Side } from "../aggregate/moving-host.js";

export type { Side } from "../aggregate/moving-host.js";

export const aggregateOf: Readonly<Record<Side, ComponentModules>> = { ours, published: publishedComponent };

export const other: Readonly<Record<Side, Side>> = { ours: "published", published: "ours" };

/** An item by its identity, and its number. */
export type Item = readonly [n: number, number: number];

/** Follows one write of a document; null deletes it. */
export async function follow(
  side: Side,
  ctx: GenericMutationCtx<GenericDataModel>,
  n: number,
  number: number | null,
): Promise<void> {
  const place = { key: n, id: String(n), namespace: namespaceOf(n) };
  const host = ctx as unknown as HostCtx;
  if (number === null) await classes[side].deleteIfExists(host, place);
  else await classes[side].replaceOrInsert(host, place, { ...place, sumValue: number });
}

/** All items in the order of their identities. */
export async function itemsOf(side: Side, ctx: GenericQueryCtx<GenericDataModel>): Promise<Item[]> {
  const items: Item[] = [];
  for (const namespace of [0, 1, 2].map(namespaceOf)) {
    const { page } = await classes[side].paginate(ctx, { namespace, pageSize: 1000 });
    items.push(...page.map(({ key, sumValue }): Item => [Number(key), sumValue]));
  }
  return items.toSorted(([a], [b]) => a - b);
}

/** Asks the app that runs; null where the writer keeps no aggregate. */
export async function readItems(app: Backend): Promise<readonly Item[] | null> {
  return (await call(app, "writer:items")) as Item[] | null;
}

/** The items that there must be. */
export class ExpectedItems {
  readonly #numbers = new Map<number, number>();

  write(n: number, number: number | null): void {
    if (number === null) this.#numbers.delete(n);
    else this.#numbers.set(n, number);
  }

  /** Finds out from what is there whether a write that was not answered has happened. */
  learn(n: number, number: number | null, found: readonly Item[] | null): void {
    if (found === null) return;
    const stored = found.find(([id]) => id === n)?.[1] ?? null;
    assert([this.#numbers.get(n) ?? null, number].includes(stored), `item ${n} is none of what it may be`);
    this.write(n, stored);
  }

  compare(found: readonly Item[] | null): void {
    if (found === null) return;
    const expected = [...this.#numbers].toSorted(([a], [b]) => a - b);
    assert.deepEqual(found, expected, "the items of the aggregate");
  }
}

function namespaceOf(n: number): string | undefined {
  return n % 3 === 0 ? undefined : `n${n % 3}`;
}
