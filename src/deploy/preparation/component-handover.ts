/**
 * The exchange of a component for another one at the same path, which can read what the other has stored. It is found by the
 * handover that the code of one of the two declares, and by the schemas before and after: on the way there the next program
 * declares it, on the way back the running one. It is carried out in the transaction that puts the program in place.
 */
import { ConvexError } from "convex/values";
import type { MutationTransaction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { LoadedProgram, Runtime } from "../../functions/index.js";
import type { HandoverStep } from "../../seams/index.js";
import type { SchemaJson } from "../../schema/index.js";

/** What is needed of a runtime. */
export type HandoverRuntime = Pick<Runtime, "mutateInside">;

export interface ComponentHandover {
  /** Tables of the schema before whose documents it carries over. */
  readonly tables: ReadonlySet<string>;
  /** The waivers that stand for what is carried over, which nobody has to give. */
  readonly waivers: readonly string[];
  /**
   * Is the first part, before the schema is put in place; resolves with the second, for afterwards. O(what is stored).
   * @throws COMPONENT_NOT_MOVED
   */
  begin(tx: MutationTransaction): Promise<(tx: MutationTransaction) => Promise<void>>;
}

export interface HandoverInput {
  readonly runtime: HandoverRuntime;
  readonly componentPath: string;
  readonly before: SchemaJson | null;
  readonly after: SchemaJson | null;
  readonly next: LoadedProgram;
  readonly running: LoadedProgram | null;
}

/** How the deploy exchanges the component; null when it does not. */
export function handoverOf(input: HandoverInput): ComponentHandover | null {
  const { runtime, componentPath, before, next } = input;
  const found = findStep(input);
  if (found === null) return null;
  const { step, program } = found;
  const options = {
    isManaged: next.aggregates().has(componentPath),
    tables: new Set(before?.tables.map(({ tableName }) => tableName)),
  };
  return {
    tables: new Set(step.carries),
    waivers: step.carries.flatMap((name) => [
      `drop-table:${componentPath}/${name}`,
      `drop-field:${componentPath}/${name}`,
    ]),
    begin: async (tx) => {
      const finish = await tellingRefusals(componentPath, () =>
        runtime.mutateInside(tx, program, componentPath, (ctx) => step.begin(ctx, options)),
      );
      for (const name of step.forgets ?? []) {
        const path = `${componentPath}/${name}`;
        if (!next.components.has(path)) tx.removeComponent(path);
      }
      return async (later) => {
        await tellingRefusals(componentPath, () =>
          runtime.mutateInside(later, program, componentPath, finish),
        );
      };
    },
  };
}

function findStep({
  componentPath,
  before,
  after,
  next,
  running,
}: HandoverInput): { step: HandoverStep; program: LoadedProgram } | null {
  const handoversOf = (program: LoadedProgram | null) =>
    program?.components.get(componentPath)?.declarations.handovers ?? [];
  const has = (schema: SchemaJson | null, names: readonly string[]): boolean =>
    names.every((name) => schema?.tables.some(({ tableName }) => tableName === name) === true);
  const lacks = (schema: SchemaJson | null, names: readonly string[]): boolean =>
    !names.some((name) => has(schema, [name]));
  for (const { declared } of handoversOf(next)) {
    const { own, other, arrive } = declared;
    const arrives = has(after, own) && has(before, other) && lacks(before, own);
    if (arrives && arrive !== undefined) return { step: arrive, program: next };
  }
  for (const { declared } of handoversOf(running)) {
    const { own, other, leave } = declared;
    const leaves = has(before, own) && has(after, other) && lacks(after, own);
    if (leaves && running !== null) return { step: leave, program: running };
  }
  return null;
}

/** Runs code of a component, and tells in words of a deploy what it refuses. @throws COMPONENT_NOT_MOVED */
async function tellingRefusals<T>(componentPath: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ConvexError)) throw error;
    const data: unknown = error.data;
    const isWorded = typeof data === "object" && data !== null && "message" in data;
    const why = isWorded ? String(data.message) : error.message;
    const message = `The data of component "${componentPath}" cannot be handed over to the code that takes its place. ${why}`;
    throw new TrueupError("COMPONENT_NOT_MOVED", message, { componentPath }, error);
  }
}
