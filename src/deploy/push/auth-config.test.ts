import { expect, test } from "vitest";
import { evaluateAuthConfig } from "./auth-config.js";

const evaluate = (source: string, env: Record<string, string> = {}): Promise<unknown> =>
  evaluateAuthConfig({ path: "auth.config.js", source, environment: "isolate" }, env);

test("providers are what the CLI knows them as", async () => {
  const custom = { type: "customJwt", issuer: "https://i", jwks: "https://i/jwks", algorithm: "RS256" };
  const source = `export default { providers: [{ domain: "https://d", applicationID: "app", extra: 1 }, ${JSON.stringify(custom)}] };`;
  expect(await evaluate(source)).toEqual([
    { domain: "https://d", applicationID: "app" },
    { ...custom, applicationID: null },
  ]);
});

test("variables are the deployment's, and the latest ones, not the process's", async () => {
  process.env["TRUEUP_TEST_DOMAIN"] = "https://process";
  const source =
    'export default { providers: [{ domain: process.env.TRUEUP_TEST_DOMAIN ?? "https://default", applicationID: "a" }] };';
  const domain = (value: string): object[] => [{ domain: value, applicationID: "a" }];
  expect(await evaluate(source)).toEqual(domain("https://default"));
  expect(await evaluate(source, { TRUEUP_TEST_DOMAIN: "https://one" })).toEqual(domain("https://one"));
  expect(await evaluate(source, { TRUEUP_TEST_DOMAIN: "https://two" })).toEqual(domain("https://two"));
});

test("a variable that is not set is named in the words that the CLI looks for", async () => {
  const source = 'export default { providers: [{ domain: process.env.ISSUER, applicationID: "a" }] };';
  await expect(evaluate(source)).rejects.toMatchObject({
    code: "AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE",
    message: expect.stringMatching(/^Environment variable ISSUER /),
  });
});

test("a provider that lacks something, and a configuration without providers, are refused", async () => {
  await expect(evaluate("export default { providers: [{}] };")).rejects.toMatchObject({
    code: "MODULE_FAILED",
  });
  await expect(evaluate("export default {};")).rejects.toThrow(/list of providers/);
});
