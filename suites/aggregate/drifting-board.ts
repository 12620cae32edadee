/**
 * Opens an app with a managed aggregate that follows its writes and can be damaged, and checks what a write of a document leaves:
 * the right item, or a note of the document, or an aggregate that says that it is being built anew.
 */
import { expect } from "vitest";
import { managedAggregate, type AggregateStatus, type ManagedAggregate } from "trueup/aggregate";
import { Triggers } from "trueup/triggers";
import type { StoredDocument } from "../../src/components/aggregate/client/managed/types.js";
import { managed, type AppCtx, type CheckedHost } from "./checked-host.js";
import { damage } from "./damages.js";
import { expectedContents, expectedItem, itemsOfDocument, truthOf } from "./truth.js";

/** An app whose writes the managed aggregate follows. */
export class DriftingBoard {
  readonly host: CheckedHost;

  constructor(host: CheckedHost) {
    this.host = host;
  }

  /** Fills games of the sizes given, and builds the aggregate in small nodes. */
  async build(sizes: readonly number[]): Promise<void> {
    await this.host.run(async (ctx) => {
      for (const [game, size] of sizes.entries()) {
        for (let index = 0; index < size; index++) await insert(ctx, game, (index * 37) % 101);
      }
      await managed.clearAll(ctx, { maxNodeSize: 4, rootLazy: false });
    });
    await this.settle();
  }

  write<T>(body: (ctx: AppCtx) => Promise<T>): Promise<T> {
    const triggers = new Triggers();
    triggers.register("scores", managed.trigger() as never);
    return this.host.run((ctx) => body(triggers.wrapDB(ctx as never)));
  }

  /** Goes on with what is due until nothing is. */
  async settle(): Promise<void> {
    for (let isDue = true; isDue;) ({ due: isDue } = await this.host.run((ctx) => management().advance(ctx)));
  }

  status(): Promise<AggregateStatus> {
    return this.host.run((ctx) => managed.status(ctx));
  }

  async documents(): Promise<StoredDocument[]> {
    return (await this.host.run((ctx) => ctx.db.query("scores").collect())) as StoredDocument[];
  }

  async damage(way: string, random: () => number): Promise<void> {
    const { generation } = await this.status();
    await this.host.inside((ctx) => damage(ctx, way, random, generation));
  }
}

export function management(): ManagedAggregate {
  const found = managed[managedAggregate];
  if (found === undefined) throw new Error("the aggregate names its table");
  return found;
}

export async function insert(ctx: AppCtx, game: number, score: number): Promise<void> {
  await ctx.db.insert("scores", {
    game: `game ${game}`,
    score,
    ...(score % 3 === 0 ? { bonus: score / 4 } : {}),
  });
}

/** The ways of writing to a document. */
export const writes = ["score", "game", "bonus", "delete"] as const;

export type Write = (typeof writes)[number];

export async function change(ctx: AppCtx, { _id, score, game }: StoredDocument, kind: Write): Promise<void> {
  if (kind === "delete") await ctx.db.delete(_id);
  else if (kind === "score") await ctx.db.patch(_id, { score: Number(score) + 1 });
  else if (kind === "game") await ctx.db.patch(_id, { game: game === "game 0" ? "game 1" : "game 0" });
  else await ctx.db.patch(_id, { bonus: Number(score) + 0.5 });
}

/**
 * Writes a document, and fails when it has other items than it should without being noted; those that stood elsewhere before,
 * where the write had no business, aside.
 */
export async function expectNoticed(
  board: DriftingBoard,
  document: StoredDocument,
  kind: Write,
): Promise<void> {
  const { generation } = await board.status();
  const right = expectedItem(document);
  const elsewhere = (await itemsOfDocument(board.host, generation, document._id)).filter(
    (item) => item !== right,
  );
  await board.write((ctx) => change(ctx, document, kind));
  const { state, drifted } = await board.status();
  if (state !== "ready" || drifted.some(({ id }) => id === document._id)) return;
  const after = (await board.documents()).find(({ _id }) => _id === document._id);
  const expected = after === undefined ? [] : [expectedItem(after)];
  const items = await itemsOfDocument(board.host, generation, document._id);
  // A stray item that stands where the item belongs now is no stray any more.
  const strays = elsewhere.filter((item) => !expected.includes(item));
  for (const item of strays) if (items.includes(item)) items.splice(items.indexOf(item), 1);
  const { sharesNodes } = await truthOf(board.host, generation);
  // Where two trees have a node in common, a write to one shows in the other, which only a check finds.
  if (!sharesNodes) expect(items).toEqual(expected);
}

/** Fails unless the aggregate answers what the table holds, and nothing is noted. */
export async function expectRight(board: DriftingBoard): Promise<void> {
  const { generation, state, drift, drifted } = await board.status();
  expect({ state, drift, drifted }).toEqual({ state: "ready", drift: 0, drifted: [] });
  const { damaged, findings, contents } = await truthOf(board.host, generation);
  expect({ damaged: damaged.size, findings }).toEqual({ damaged: 0, findings: [] });
  expect(contents).toEqual(await expectedContents(board.host));
}
