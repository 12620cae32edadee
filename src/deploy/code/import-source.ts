/** Imports a module from its text alone: configurations and schemas are bundled into one file each. */
import { TrueupError } from "../../errors/index.js";
import { convexGlobals } from "../../functions/index.js";
import { CodeInstance } from "../modules/code-instance.js";
import { moduleText } from "../modules/module-text.js";

/** Longer than any honest module takes, and shorter than anybody waits for a push. */
const importTimeoutMs = 15_000;

/** Names a module in messages. */
export interface ModuleName {
  /** "" is the app. */
  readonly definitionPath: string;
  readonly modulePath: string;
}

/** What a module is imported with. */
export interface SourceOptions {
  /** The texts of modules that it imports, by the names that it has for them. */
  readonly linked?: ReadonlyMap<string, string>;
  /** What it sees as `process.env`. */
  readonly env?: object;
}

/** @throws MODULE_FAILED with what the module threw */
export async function importSource(
  name: ModuleName,
  source: string,
  { linked = new Map(), env }: SourceOptions = {},
): Promise<Record<string, unknown>> {
  try {
    const texts = [...linked, [name.modulePath, source] as const];
    const codes = new Map(
      texts.map(([path, text]) => [path, () => ({ text: moduleText(text), isForNode: false })]),
    );
    const globals = convexGlobals(env === undefined ? {} : { env });
    return await inTime(new CodeInstance(codes, process.cwd(), globals).import(name.modulePath));
  } catch (error) {
    throw moduleFailed(name, error);
  }
}

/** Resolves as an import does. Rejects with what the modules throw, or when their top level does not come to an end. */
export async function inTime<T>(importing: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `its top level did not finish within ${importTimeoutMs / 1000} seconds`;
    timer = setTimeout(() => reject(new Error(message)), importTimeoutMs);
  });
  try {
    return await Promise.race([importing, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error for a module that cannot be evaluated, or that does not hold what it must. */
export function moduleFailed(name: ModuleName, cause: unknown): TrueupError {
  const where = name.definitionPath === "" ? "" : ` of the component ${name.definitionPath}`;
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new TrueupError(
    "MODULE_FAILED",
    `Module '${name.modulePath}'${where} failed while it was imported: ${reason}`,
    { ...name },
    cause,
  );
}
