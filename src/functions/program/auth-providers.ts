/** The providers of identities that an app's `auth.config` names, as the official CLI and clients know them. */

/** Issues tokens for users of the app. */
export type AuthProvider =
  | { readonly domain: string; readonly applicationID: string }
  | {
      readonly type: "customJwt";
      /** Null where tokens for any app of the issuer are taken. */
      readonly applicationID: string | null;
      readonly issuer: string;
      /** The URL of the keys; a `data:` URL holds them itself. */
      readonly jwks: string;
      readonly algorithm: "RS256" | "ES256";
    };

/**
 * Reads the default export of `auth.config`.
 * @param refuse Makes the error for a configuration that cannot be read.
 */
export function readAuthProviders(exported: unknown, refuse: (reason: string) => Error): AuthProvider[] {
  const providers = (exported as { providers?: unknown } | undefined)?.providers;
  if (!Array.isArray(providers)) throw refuse("its default export must have a list of providers");
  return providers.map((provider: unknown) => {
    const read = readProvider(provider);
    if (read !== null) return read;
    throw refuse(
      'a provider needs `domain` and `applicationID`, or `type: "customJwt"`, `issuer`, `jwks` and `algorithm` ("RS256" or "ES256")',
    );
  });
}

function readProvider(provider: unknown): AuthProvider | null {
  if (typeof provider !== "object" || provider === null) return null;
  const { type, applicationID, domain, issuer, jwks, algorithm } = provider as Record<string, unknown>;
  if (type === "customJwt") {
    const isSupported = algorithm === "RS256" || algorithm === "ES256";
    if (typeof issuer !== "string" || typeof jwks !== "string" || !URL.canParse(jwks) || !isSupported) {
      return null;
    }
    return {
      type,
      applicationID: typeof applicationID === "string" ? applicationID : null,
      issuer,
      jwks,
      algorithm,
    };
  }
  return typeof domain === "string" && typeof applicationID === "string" ? { domain, applicationID } : null;
}
