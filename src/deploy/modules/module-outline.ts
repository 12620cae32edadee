/**
 * What was found in a module, as a text to be kept beside its source: parsing takes longer than all else that a start does to
 * code, so it is done when code is pushed, and not again.
 */
import { edited, type Edit, type ForeignName, type ModuleText } from "./module-text.js";

/** To be counted up with every change of what is found in a source, or of what is made of it. */
const version = 1;

type Entries<Value> = readonly (readonly [string, Value])[];

interface Outline {
  readonly version: number;
  readonly requests: Entries<Readonly<Record<string, string>> | null>;
  readonly imports: Entries<ForeignName>;
  readonly exports: Entries<string>;
  readonly reexports: Entries<ForeignName>;
  readonly stars: readonly string[];
  readonly changing: readonly string[];
  readonly globals: readonly string[];
  readonly isAsync: boolean;
  readonly edits: readonly Edit[];
}

export function writeOutline(text: ModuleText): string {
  const { requests, imports, exports, reexports, stars, changing, globals, isAsync, edits } = text;
  const outline: Outline = {
    version,
    requests: [...requests].map(([from, attributes]) => [from, attributes ?? null]),
    imports: [...imports],
    exports: [...exports],
    reexports: [...reexports],
    stars,
    changing: [...changing],
    globals,
    isAsync,
    edits,
  };
  return JSON.stringify(outline);
}

/** What was found in a source; null where another version wrote it down. */
export function readOutline(text: string, source: string): ModuleText | null {
  const outline = JSON.parse(text) as Outline;
  if (outline.version !== version) return null;
  return {
    requests: new Map(outline.requests.map(([from, attributes]) => [from, attributes ?? undefined])),
    imports: new Map(outline.imports),
    exports: new Map(outline.exports),
    reexports: new Map(outline.reexports),
    stars: outline.stars,
    changing: new Set(outline.changing),
    globals: outline.globals,
    isAsync: outline.isAsync,
    edits: outline.edits,
    body: edited(source, outline.edits),
  };
}
