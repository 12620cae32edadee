/**
 * `defineTestApp`, with which a test defines the modules of an app itself, without a folder of functions: builders that are typed
 * by a schema, references to what is built, and fresh apps with components mounted.
 */
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
  type ActionBuilder,
  type ApiFromModules,
  type DataModelFromSchemaDefinition,
  type FilterApi,
  type FunctionReference,
  type GenericSchema,
  type MutationBuilder,
  type QueryBuilder,
  type SchemaDefinition,
} from "convex/server";
import { TrueupError } from "../errors/index.js";
import { convexTest } from "./convex-test.js";
import type { TestTransactionLimits } from "./test-backend.js";
import type { TestConvex, TestConvexRoot } from "./test-convex.js";

/* As in `test-convex.ts`, what is compared with the official types is spelled as they are, with `any`. */

/** Mounts a component under a name. What it returns says the type of the component's functions, and is not used otherwise. */
// oxlint-disable-next-line typescript/no-explicit-any
export type ComponentRegistration<Api> = (t: TestConvexRoot<any>, name: string) => Api | void;

// oxlint-disable-next-line typescript/no-explicit-any
type ComponentRegistrations = Record<string, { register: ComponentRegistration<any> }>;

type ComponentApiForName<Api, Name extends string> =
  Api extends FunctionReference<infer Type, infer Visibility, infer Args, infer Returned>
    ? FunctionReference<Type, Visibility, Args, Returned, Name>
    : { [Key in keyof Api]: ComponentApiForName<Api[Key], Name> };

type RegisteredComponents<Components extends ComponentRegistrations> = {
  [Name in keyof Components]: Components[Name]["register"] extends ComponentRegistration<infer Api>
    ? ComponentApiForName<Api, Name & string>
    : never;
};

type AnySchema = SchemaDefinition<GenericSchema, boolean>;

/** The builders of an app's functions, and references to its components. */
export interface TestApp<
  Schema extends AnySchema,
  Components extends ComponentRegistrations = Record<never, never>,
> {
  components: RegisteredComponents<Components>;
  query: QueryBuilder<DataModelFromSchemaDefinition<Schema>, "public">;
  internalQuery: QueryBuilder<DataModelFromSchemaDefinition<Schema>, "internal">;
  mutation: MutationBuilder<DataModelFromSchemaDefinition<Schema>, "public">;
  internalMutation: MutationBuilder<DataModelFromSchemaDefinition<Schema>, "internal">;
  action: ActionBuilder<DataModelFromSchemaDefinition<Schema>, "public">;
  internalAction: ActionBuilder<DataModelFromSchemaDefinition<Schema>, "internal">;
  /** Defines modules by their paths, `notes` or `notes/search`, each with what it exports. */
  defineModules: <Modules extends Record<string, object>>(
    modules: Modules,
  ) => TestAppDefinition<Schema, Modules>;
}

/** References to the functions of an app, and fresh apps. */
export interface TestAppDefinition<Schema extends AnySchema, Modules extends Record<string, object>> {
  api: FilterApi<ApiFromModules<Modules>, FunctionReference<Kind, "public">>;
  internal: FilterApi<ApiFromModules<Modules>, FunctionReference<Kind, "internal">>;
  /** Makes a new, empty app with its components. Call it at the start of each test. */
  createTest: (options?: { transactionLimits?: TestTransactionLimits }) => TestConvex<Schema>;
}

// oxlint-disable-next-line typescript/no-explicit-any
type Kind = any;

/**
 * Defines an app in a test.
 *
 * ```ts
 * const app = defineTestApp({ schema, components: { rateLimiter: rateLimiterTest } });
 * const add = app.mutation({ args: { text: v.string() }, handler: ({ db }, note) => db.insert("notes", note) });
 * const { api, createTest } = app.defineModules({ notes: { add } });
 * await createTest().mutation(api.notes.add, { text: "milk" });
 * ```
 *
 * @throws INVALID_SCHEMA when Convex would refuse the schema, INVALID_CALL when a component has an empty name, or one with a
 *   slash or a space in it, or when it is mounted asynchronously
 */
export function defineTestApp<
  Schema extends AnySchema,
  Components extends ComponentRegistrations = Record<never, never>,
>({ schema, components }: { schema: Schema; components?: Components }): TestApp<Schema, Components>;
export function defineTestApp({
  schema,
  components = {},
}: {
  schema: AnySchema;
  components?: ComponentRegistrations;
}): unknown {
  for (const name of Object.keys(components)) {
    if (/^$|[/ ]/.test(name)) {
      throw new TrueupError(
        "INVALID_CALL",
        `"${name}" cannot be the name of a component: mount nested ones where their parent is mounted.`,
      );
    }
  }
  return {
    components: componentsGeneric(),
    query: queryGeneric,
    internalQuery: internalQueryGeneric,
    mutation: mutationGeneric,
    internalMutation: internalMutationGeneric,
    action: actionGeneric,
    internalAction: internalActionGeneric,
    defineModules: (modules: Readonly<Record<string, object>>) => ({
      api: anyApi,
      internal: anyApi,
      createTest: ({ transactionLimits }: { transactionLimits?: TestTransactionLimits } = {}) => {
        const t = convexTest({ schema, modules: globOf(modules), transactionLimits });
        for (const [name, { register }] of Object.entries(components)) {
          const registered: unknown = register(t, name);
          if (registered instanceof Promise) {
            throw new TrueupError("INVALID_CALL", `The component "${name}" must be mounted without a wait.`);
          }
        }
        return t;
      },
    }),
  };
}

/** The modules as a folder of functions would have them. */
function globOf(modules: Readonly<Record<string, object>>): Record<string, () => Promise<unknown>> {
  const named = Object.entries(modules).map(([path, exports]) => [`./${path}.js`, async () => exports]);
  return { "./_generated/api.js": async () => ({}), ...Object.fromEntries(named) } as never;
}
