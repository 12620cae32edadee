/**
 * The transforms that a deploy has prepared for the table of an aggregate. An aggregate that was built from the table as they
 * show it is right if exactly they have begun. Any of them may have been given up for those of another deploy, and prepared
 * again.
 */
import type { QueryTransaction, TransformStatus } from "../database/index.js";
import type { ExportedAggregate } from "../functions/index.js";

export class TransformsToCome {
  readonly #componentPath: string;
  readonly #table: string;
  readonly #all: readonly TransformStatus[];

  private constructor(
    { componentPath, aggregate: { table } }: ExportedAggregate,
    all: readonly TransformStatus[],
  ) {
    this.#componentPath = componentPath;
    this.#table = table;
    this.#all = all.filter((one) => one.componentPath === componentPath && one.tableName === table);
  }

  static async read(tx: QueryTransaction, of: ExportedAggregate): Promise<TransformsToCome> {
    return new TransformsToCome(of, await tx.transforms());
  }

  get isEmpty(): boolean {
    return this.#prepared.length === 0;
  }

  /**
   * Whether only writes change the documents that they show until they begin. A document that still lags behind a
   * transform which is taken back is shown as it is stored, and differently once it is written through.
   */
  get areStable(): boolean {
    const isLagging = this.#all.some(({ state }) => state === "lagging");
    return this.#prepared.every(({ failed, undoes }) => failed === 0 && !(isLagging && undoes !== undefined));
  }

  /** Whether these are the very ones that the others are: prepared at the same time, and prepared still. */
  isSameAs(other: TransformsToCome): boolean {
    const textOf = ({ beganAtMs, ...one }: TransformStatus): string => `${beganAtMs} ${identityOf(one)}`;
    return this.#prepared.map(textOf).join() === other.#prepared.map(textOf).join();
  }

  /** Whether they have brought the table into the shape that they lead to. Call it in the transaction that begins them. */
  async haveBegun(tx: QueryTransaction): Promise<boolean> {
    const last = this.#prepared.at(-1);
    if (last === undefined || tx.tableShape(this.#componentPath, this.#table) !== last.shape) return false;
    const begun = new Set((await tx.transforms()).map(identityOf));
    return this.#prepared.every((one) => begun.has(identityOf(one)));
  }

  get #prepared(): TransformStatus[] {
    return this.#all.filter(({ state }) => state === "prepared");
  }
}

function identityOf({
  componentPath,
  tableName,
  name,
  origin,
  undoes,
  shape,
}: Omit<TransformStatus, "beganAtMs">): string {
  return JSON.stringify([componentPath, tableName, name, origin, undoes, shape]);
}
