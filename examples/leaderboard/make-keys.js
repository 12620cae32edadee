/** Makes the keys that sign the tokens of this app's users, and gives them to the deployment. Once is enough. */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { use: "sig", ...publicKey.export({ format: "jwk" }) };
const variables = {
  JWT_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }).trimEnd().replaceAll("\n", " "),
  JWKS: JSON.stringify({ keys: [jwk] }),
  SITE_URL: "http://localhost:5173",
};
for (const [name, value] of Object.entries(variables)) {
  execFileSync("npx", ["convex", "env", "set", `${name}=${value}`], { stdio: "inherit" });
}
