/**
 * The functions of transforms by where they come from, so that the database finds them again: those of each program that
 * documents may still need, and those of programs that are being prepared. Once a function is known for a transform, it stays
 * the one for it.
 */
import { createHash } from "node:crypto";
import type {
  Database,
  QueryTransaction,
  TransformFunction,
  TransformRequest,
} from "../../database/index.js";
import type { LoadedProgram } from "../../functions/index.js";
import type { DeclaredTransform } from "../../seams/index.js";

/**
 * How the transforms of a program are told from those of others: those of stored code by its push, those of modules by their
 * source.
 */
export type ProgramOrigin = { readonly kind: "push"; readonly pushId: string } | { readonly kind: "modules" };

/** A program with its code imported, and how its transforms are told from those of others. */
export interface OriginatedProgram {
  readonly program: LoadedProgram;
  readonly origin: ProgramOrigin;
  /** Imports its modules once more, as instances of their own; left out where that cannot be. */
  readonly anew?: () => Promise<LoadedProgram>;
}

type Direction = "up" | "down";

interface Place {
  readonly componentPath: string;
  readonly name: string;
}

export class TransformFunctions {
  readonly #database: Database;
  readonly #functions = new Map<string, TransformFunction>();
  readonly #pushes = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
    this.#offer();
  }

  /** Lets the transforms that the program exports be found from now on. */
  add(origin: ProgramOrigin, program: LoadedProgram): void {
    if (origin.kind === "push") this.#pushes.add(origin.pushId);
    for (const [componentPath, { declarations }] of program.components) {
      for (const { name, declared } of declarations.transforms) {
        const place = { componentPath, name };
        const { up, down } = declared;
        const from = (direction: Direction): string => originText(origin, fingerprintOf(declared), direction);
        this.#add({ ...place, origin: from("up") }, up);
        if (down !== undefined) this.#add({ ...place, origin: from("down") }, down);
      }
    }
    this.#offer();
  }

  /** Whether the transforms of a push were added. */
  hasPush(pushId: string): boolean {
    return this.#pushes.has(pushId);
  }

  find({ componentPath, name, origin }: Place & { readonly origin: string }): TransformFunction | undefined {
    return this.#functions.get(JSON.stringify([componentPath, name, origin]));
  }

  #add({ componentPath, name, origin }: Place & { readonly origin: string }, run: TransformFunction): void {
    const key = JSON.stringify([componentPath, name, origin]);
    if (!this.#functions.has(key)) this.#functions.set(key, run);
  }

  #offer(): void {
    this.#database.setTransforms((request: TransformRequest) => this.find(request));
  }
}

/** The text that is recorded with a transform so that its function is found again. */
export function originText(origin: ProgramOrigin, fingerprint: string, direction: Direction): string {
  const source = origin.kind === "push" ? `push:${origin.pushId}` : `modules:${fingerprint}`;
  return `${source}#${direction}`;
}

/** The push whose code a recorded transform needs; null when it is that of modules. */
export function pushIdOf(origin: string): string | null {
  return /^push:(.*)#(?:up|down)$/.exec(origin)?.[1] ?? null;
}

/**
 * The ids of earlier pushes that have to be kept, because documents still need transforms of their code. O(tables + transforms).
 */
export async function neededPushes(tx: QueryTransaction): Promise<ReadonlySet<string>> {
  const lagging = (await tx.transforms()).filter(({ state }) => state === "lagging");
  return new Set(lagging.flatMap(({ origin }) => pushIdOf(origin) ?? []));
}

/**
 * Tells transforms apart by what they do, as far as their source shows it: the same for two declarations with the same source.
 * Two that differ only in what they close over are taken as equal. The table is left out, since its name may change while
 * documents still need the transform.
 */
export function fingerprintOf({ up, down, rename }: DeclaredTransform): string {
  const source = rename ?? [String(up), down === undefined ? null : String(down)];
  return createHash("sha256").update(JSON.stringify(source)).digest("hex").slice(0, 32);
}
