/**
 * Imports a module from its text. Configurations and schemas are bundled into one file each, so they need no place on disk.
 * Node keeps what it has imported by its URL, and here the URL is the text itself, so equal texts are evaluated once,
 * whichever push they come with.
 */
import { TrueupError } from "../../errors/index.js";

/** Longer than any honest module takes, and shorter than anybody waits for a push. */
const importTimeoutMs = 15_000;

/** Names a module in messages. */
export interface ModuleName {
  /** "" is the app. */
  readonly definitionPath: string;
  readonly modulePath: string;
}

/** @throws MODULE_FAILED with what the module threw */
export async function importSource(name: ModuleName, source: string): Promise<Record<string, unknown>> {
  try {
    return await importUrl(sourceUrl(source));
  } catch (error) {
    throw moduleFailed(name, error);
  }
}

/** The URL of a module that is its own text; other texts may import it. */
export function sourceUrl(source: string): string {
  // Node would look for the map beside the module, and such a module is nowhere.
  const alone = source.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, "");
  return `data:text/javascript;base64,${Buffer.from(alone).toString("base64")}`;
}

/** Imports a module. Rejects with what it throws, or when its top level does not come to an end. */
export async function importUrl(url: string): Promise<Record<string, unknown>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `its top level did not finish within ${importTimeoutMs / 1000} seconds`;
    timer = setTimeout(() => reject(new Error(message)), importTimeoutMs);
  });
  try {
    return await Promise.race([import(url) as Promise<Record<string, unknown>>, late]);
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
