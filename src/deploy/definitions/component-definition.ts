/**
 * What `convex.config` says about a component, as `default.export()` of the `convex` package yields it, with the
 * path that the CLI knows it by. It goes back to the CLI, which generates code from it.
 */

/** Where the value of a component's environment variable comes from. */
export type EnvBinding =
  | { readonly type: "value"; readonly value: string }
  /** A variable of the component that mounts it. */
  | { readonly type: "envVar"; readonly name: string };

/** One `use` of a component. */
export interface ChildComponent {
  readonly name: string;
  /** Of its definition. */
  readonly path: string;
  readonly args: readonly unknown[];
  readonly env: readonly (readonly [name: string, binding: EnvBinding])[] | null;
}

/** A declared environment variable; the validator is JSON text. */
export interface DeclaredEnv {
  readonly type: "value";
  readonly value: string;
  readonly optional?: boolean;
}

/** What other components may call: nested by module path, a leaf is a reference. */
export type ExportNode =
  | { readonly type: "leaf"; readonly leaf: string }
  | { readonly type: "branch"; readonly branch: readonly (readonly [name: string, node: ExportNode])[] };

export interface ComponentDefinition {
  readonly path: string;
  readonly definitionType:
    | { readonly type: "app" }
    | { readonly type: "childComponent"; readonly name: string };
  readonly childComponents: readonly ChildComponent[];
  /** References to child components by path prefix. */
  readonly httpMounts: Readonly<Record<string, string>>;
  readonly exports: Extract<ExportNode, { type: "branch" }>;
  readonly envVars?: readonly (readonly [name: string, declared: DeclaredEnv])[];
}

/** The app without a `convex.config`. */
export const plainApp: ComponentDefinition = {
  path: "",
  definitionType: { type: "app" },
  childComponents: [],
  httpMounts: {},
  exports: { type: "branch", branch: [] },
  envVars: [],
};
