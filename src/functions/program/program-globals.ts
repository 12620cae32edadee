/**
 * The globals of one instance of pushed code: an object of its own with the values that the process has. What the code sets,
 * replaces or deletes there is seen by all of its modules, and by nobody else. `process` and `console` are its own, too; what
 * both share with the process are the built-in classes, since values of these pass between the code and the engine.
 */
import { EventEmitter } from "node:events";
import { TrueupError } from "../../errors/index.js";
import { guardBuiltIns } from "./guard-built-ins.js";

export interface ProgramGlobals {
  /** What names mean that no module declares. */
  readonly object: object;
  /** Sets a variable to the value of a global, now and whenever that is set. */
  bind(name: string, set: (value: unknown) => void): void;
  /** Runs code of the program without a wait, and mends the built-in classes after it. */
  guard<T>(run: () => T): T;
  /** Modules of Node that are the program's own, by the names by which they are imported. */
  readonly modules: ReadonlyMap<string, Record<string, unknown>>;
}

export interface GlobalsOptions {
  /** What stands in the place of `process.env`; left out, the variables of the process and of the program. */
  readonly env?: object;
  /** The `Convex` global. */
  readonly convex: object;
}

/** Whether code is imported at this moment, which belongs to no call. */
export const codeThatRuns = { isImported: false };

type Values = Record<PropertyKey, unknown>;

/** Names of globals that each module that uses them should have as variables, because looking them up is slow. */
export const globalsAsVariables: ReadonlySet<string> = new Set(
  (
    "Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean Convex DataView Date Error Float32Array Float64Array " +
    "Function Infinity Int16Array Int32Array Int8Array JSON Map Math NaN Number Object Promise Proxy RangeError Reflect RegExp " +
    "Set String Symbol SyntaxError TextDecoder TextEncoder TypeError URL Uint16Array Uint32Array Uint8Array Uint8ClampedArray " +
    "WeakMap WeakRef WeakSet console decodeURIComponent encodeURIComponent globalThis isFinite isNaN parseFloat parseInt process"
  ).split(" "),
);

/** What would end the process, or change it for everybody. */
const refused = "abort chdir dlopen exit kill reallyExit setegid seteuid setgid setgroups setuid".split(" ");

export function programGlobals({ env, convex }: GlobalsOptions): ProgramGlobals {
  const own = copyOfGlobals();
  // A name that is looked up here and not found would be looked up among the globals of the process.
  const scope = Object.create(own) as Values;
  const bound = new Map<PropertyKey, ((value: unknown) => void)[]>();
  const tell = (name: PropertyKey, isDone: boolean): boolean => {
    if (name in own) delete scope[name];
    else scope[name] = undefined;
    for (const set of bound.get(name) ?? []) set(own[name]);
    return isDone;
  };
  const object = new Proxy(own, {
    set: (target, name, value) => tell(name, Reflect.set(target, name, value)),
    defineProperty: (target, name, descriptor) =>
      tell(name, Reflect.defineProperty(target, name, descriptor)),
    deleteProperty: (target, name) => tell(name, Reflect.deleteProperty(target, name)),
  });
  const process = ownProcess(env ?? ownEnvironment());
  const replaced = {
    process,
    Convex: convex,
    console: Object.create(console) as unknown,
    Response: lenientResponse,
  };
  for (const [name, value] of Object.entries({ ...replaced, globalThis: object, global: object })) {
    Object.defineProperty(own, name, { value, writable: true, configurable: true });
  }
  const asModule = moduleOf(process);
  return {
    object: scope,
    bind(name, set) {
      set(own[name]);
      bound.set(name, [...(bound.get(name) ?? []), set]);
    },
    guard(run) {
      codeThatRuns.isImported = true;
      try {
        return guardBuiltIns(run);
      } finally {
        codeThatRuns.isImported = false;
      }
    },
    modules: new Map([
      ["process", asModule],
      ["node:process", asModule],
    ]),
  };
}

/** Convex takes a body with a status that has none, and sends none. Node refuses even the empty text. */
const lenientResponse = new Proxy(Response, {
  construct(target, [body, init]: ConstructorParameters<typeof Response>, newTarget) {
    const hasNone = [204, 205, 304].includes(init?.status ?? 200);
    return Reflect.construct(target, [hasNone ? null : body, init], newTarget) as Response;
  },
});

function copyOfGlobals(): Values {
  const own = Object.create(Object.getPrototypeOf(globalThis) as object) as Values;
  for (const name of Reflect.ownKeys(globalThis)) {
    const found = Reflect.getOwnPropertyDescriptor(globalThis, name);
    if (found === undefined) continue;
    const { enumerable = false } = found;
    // Getters of globals answer the real global object only.
    Object.defineProperty(
      own,
      name,
      "value" in found
        ? { ...found, configurable: true }
        : {
            enumerable,
            configurable: true,
            get: () => Reflect.get(globalThis, name) as unknown,
            set(value: unknown) {
              Object.defineProperty(own, name, { value, enumerable, writable: true, configurable: true });
            },
          },
    );
  }
  return own;
}

/** What is set or deleted stays here; everything else is as in the environment of the process and the program. */
function ownEnvironment(): object {
  const own = Object.create(null) as Record<PropertyKey, string | undefined>;
  const has = (name: PropertyKey): boolean =>
    name in own ? own[name] !== undefined : Reflect.has(process.env, name);
  return new Proxy(own, {
    get: (_target, name) => (name in own ? own[name] : (Reflect.get(process.env, name) as unknown)),
    has: (_target, name) => has(name),
    set(_target, name, value) {
      own[name] = String(value);
      return true;
    },
    deleteProperty(_target, name) {
      own[name] = undefined;
      return true;
    },
    ownKeys: () =>
      [...new Set([...Reflect.ownKeys(process.env), ...Reflect.ownKeys(own)])].filter((name) => has(name)),
    getOwnPropertyDescriptor: (_target, name) =>
      has(name)
        ? {
            value: Reflect.get(own, name) ?? Reflect.get(process.env, name),
            writable: true,
            enumerable: true,
            configurable: true,
          }
        : undefined,
  });
}

/** Has the events of nobody: what the code waits for does not happen, and what it listens to is not kept. */
function ownProcess(env: object): Values {
  const own = Object.assign(new EventEmitter(), { env }) as unknown as Values;
  for (const name of refused) {
    own[name] = () => {
      throw new TrueupError("INVALID_CALL", `A function cannot call process.${name}().`, { name });
    };
  }
  return new Proxy(own, {
    get: (target, name) => (name in target ? target[name] : (Reflect.get(process, name) as unknown)),
    has: (target, name) => name in target || name in process,
  });
}

/** As `import` shows it. */
function moduleOf(value: Values): Values {
  return new Proxy(value, {
    get: (target, name) => (name === "default" ? value : target[name]),
    has: (target, name) => name === "default" || name in target,
  });
}
