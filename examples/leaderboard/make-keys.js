/** Makes the keys that sign the tokens of this app's users, and prints them for `convex env set`. */
import { generateKeyPairSync } from "node:crypto";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { use: "sig", ...publicKey.export({ format: "jwk" }) };
console.log(`JWT_PRIVATE_KEY='${privateKey.export({ type: "pkcs8", format: "pem" }).trimEnd().replaceAll("\n", " ")}'
JWKS='${JSON.stringify({ keys: [key] })}'
SITE_URL='http://localhost:5173'`);
