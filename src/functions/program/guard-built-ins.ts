/**
 * Keeps the built-in classes and objects as they are: every program and the engine share them. What code replaces or deletes
 * there while it is imported is put back as soon as it stops, before anybody else runs; what it adds stays, but is not
 * enumerated. Freezing them has no effect.
 */

type Holder = Record<PropertyKey, unknown>;

/** In arrays, since what compares must not use what it compares. */
interface Kept {
  readonly holder: Holder;
  readonly count: number;
  readonly names: readonly PropertyKey[];
  readonly descriptors: readonly PropertyDescriptor[];
}

const { is } = Object;
const { defineProperty, getOwnPropertyDescriptor, ownKeys, preventExtensions } = Reflect;

let kept: Kept[] | null = null;

/** Runs code that does not wait. What was changed before it stays changed. */
export function guardBuiltIns<T>(run: () => T): T {
  const before = (kept ??= keepAll());
  for (let index = 0; index < before.length; index++) {
    const each = before[index];
    if (each !== undefined && !isAsKept(each)) before[index] = keep(each.holder);
  }
  // Node keeps these two behind accessors that do not change.
  const { Buffer, process } = globalThis;
  try {
    return run();
  } finally {
    if (globalThis.Buffer !== Buffer) globalThis.Buffer = Buffer;
    if (globalThis.process !== process) globalThis.process = process;
    putAllBack(before);
  }
}

function keepAll(): Kept[] {
  const holders = allHolders();
  ignoreFreezing(holders);
  return [...holders].map(keep);
}

function keep(holder: Holder): Kept {
  const all = ownKeys(holder);
  const names: PropertyKey[] = [];
  const descriptors: PropertyDescriptor[] = [];
  for (const name of all) {
    const found = getOwnPropertyDescriptor(holder, name);
    if (found === undefined || changesByItself(name)) continue;
    names.push(name);
    descriptors.push(found);
  }
  return { holder, count: all.length, names, descriptors };
}

/** `RegExp.$1` and the like are of the last match. */
function changesByItself(name: PropertyKey): boolean {
  return /^(\$.|input|lastMatch|lastParen|leftContext|rightContext|arguments|caller)$/.test(String(name));
}

function isAsKept({ holder, count, names, descriptors }: Kept): boolean {
  if (ownKeys(holder).length !== count) return false;
  for (let index = 0; index < names.length; index++) {
    const name = names[index] ?? "";
    const kept = descriptors[index];
    if (kept === undefined) continue;
    if (kept.get === undefined && kept.set === undefined) {
      if (!is(holder[name], kept.value)) return false;
    } else {
      const found = getOwnPropertyDescriptor(holder, name);
      if (found?.get !== kept.get || found?.set !== kept.set) return false;
    }
  }
  return true;
}

function putAllBack(all: Kept[]): void {
  let changed = 0;
  for (let index = 0; index < all.length; index++) {
    const each = all[index];
    if (each === undefined || isAsKept(each)) continue;
    putBack(each);
    changed++;
  }
  for (let index = 0; changed > 0 && index < all.length; index++) {
    const each = all[index];
    if (each !== undefined && !isAsKept(each)) all[index] = keep(each.holder);
  }
}

function putBack({ holder, names, descriptors }: Kept): void {
  for (let index = 0; index < names.length; index++) {
    const name = names[index] ?? "";
    const kept = descriptors[index];
    const found = getOwnPropertyDescriptor(holder, name);
    if (kept === undefined || (is(found?.value, kept.value) && found?.get === kept.get)) continue;
    defineProperty(holder, name, kept);
  }
  if (holder === globalThis) return;
  const all = ownKeys(holder);
  for (let index = 0; index < all.length; index++) {
    const name = all[index] ?? "";
    if (getOwnPropertyDescriptor(holder, name)?.enumerable !== true || isAmong(names, name)) continue;
    defineProperty(holder, name, { enumerable: false });
  }
}

function isAmong(names: readonly PropertyKey[], name: PropertyKey): boolean {
  for (let index = 0; index < names.length; index++) if (names[index] === name) return true;
  return false;
}

/** Makes code that hardens its own world, as on Convex, harmless for the world that it shares here. */
function ignoreFreezing(holders: ReadonlySet<object>): void {
  for (const real of [Object.freeze, Object.seal, Object.preventExtensions]) {
    const ignoring = <T extends object>(value: T): T => (holders.has(value) ? value : real(value));
    const name = { value: real.name, configurable: true };
    const method = {
      value: Object.defineProperty(ignoring, "name", name),
      writable: true,
      configurable: true,
    };
    Object.defineProperty(Object, real.name, method);
  }
  Reflect.preventExtensions = (value) => holders.has(value) || preventExtensions(value);
}

const classes = (
  "AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean Buffer DataView Date Error EvalError " +
  "FinalizationRegistry Float32Array Float64Array Function Int16Array Int32Array Int8Array Iterator Map Number Object Promise " +
  "Proxy RangeError ReferenceError RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URIError Uint16Array " +
  "Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet AbortController AbortSignal Blob Event EventTarget " +
  "FormData Headers ReadableStream Request Response TextDecoder TextEncoder TransformStream URL URLSearchParams WritableStream"
).split(" ");
const namespaces = "Atomics Intl JSON Math Reflect WebAssembly".split(" ");

function allHolders(): Set<Holder> {
  const found = new Set<Holder>([globalThis]);
  const add = (value: unknown): void => {
    if (isHolder(value)) found.add(value);
  };
  for (const name of [...classes, ...namespaces]) {
    const value: unknown = Reflect.get(globalThis, name);
    add(value);
    if (typeof value === "function") add(value.prototype);
  }
  // Those without a name.
  const generator = Object.getPrototypeOf(function* () {}) as Holder;
  const asyncGenerator = Object.getPrototypeOf(async function* () {}) as Holder;
  const samples = [
    async () => {},
    [].values(),
    new Map().values(),
    new Set().values(),
    "".matchAll(/a/g),
    ""[Symbol.iterator](),
  ];
  for (const sample of samples) add(Object.getPrototypeOf(sample));
  for (const holder of [generator, asyncGenerator]) {
    add(holder);
    add(holder["prototype"]);
    add(Object.getPrototypeOf(holder["prototype"]));
  }
  add(Object.getPrototypeOf(Object.getPrototypeOf([].values())));
  add(Object.getPrototypeOf(Int8Array));
  add((Object.getPrototypeOf(Int8Array) as typeof Int8Array).prototype);
  return found;
}

function isHolder(value: unknown): value is Holder {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
