/**
 * The functions of transforms by where they come from, for the database to find them again: of each program that documents
 * may still need, and of those that are being prepared. For one transform the function stays the same: the first counts.
 */
import type { Database, TransformFunction, TransformRequest } from "../../database/index.js";
import type { LoadedProgram } from "../../functions/index.js";
import { fingerprintOf } from "./fingerprint.js";

/** How the transforms of a program are told from those of others: stored code by its push, modules by what they say. */
export type ProgramOrigin = { readonly kind: "push"; readonly pushId: string } | { readonly kind: "modules" };

export type Direction = "up" | "down";

interface Place {
  readonly componentPath: string;
  readonly name: string;
}

export class TransformFunctions {
  readonly #database: Database;
  readonly #functions = new Map<string, TransformFunction>();

  constructor(database: Database) {
    this.#database = database;
    this.#offer();
  }

  /** From now on the transforms that the program exports are found. */
  add(origin: ProgramOrigin, program: LoadedProgram): void {
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

/** What is recorded with a transform so that its function is found again. */
export function originText(origin: ProgramOrigin, fingerprint: string, direction: Direction): string {
  const source = origin.kind === "push" ? `push:${origin.pushId}` : `modules:${fingerprint}`;
  return `${source}#${direction}`;
}

/** The push whose code a recorded transform needs; null when it is that of modules. */
export function pushIdOf(origin: string): string | null {
  return /^push:(.*)#(?:up|down)$/.exec(origin)?.[1] ?? null;
}
