/** A provider of identities on this machine. What it serves may be changed, and it notes what it is asked for. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";

export const rsa = await generateKeyPair("RS256");
export const other = await generateKeyPair("RS256");
export const ec = await generateKeyPair("ES256");

export interface Signed {
  claims?: JWTPayload;
  key?: CryptoKey;
  kid?: string;
  alg?: string;
  expiresIn?: string;
}

export class Issuer {
  url = "";
  documents: Record<string, unknown> = {};
  status = 200;
  requests: string[] = [];
  readonly #server: Server = createServer((request, response) => {
    this.requests.push(request.url ?? "");
    response.writeHead(this.status).end(JSON.stringify(this.documents[request.url ?? ""] ?? null));
  });

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    this.documents["/.well-known/openid-configuration"] = { issuer: this.url, jwks_uri: `${this.url}/keys` };
    await this.publish({ first: rsa.publicKey, elliptic: ec.publicKey });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async publish(keys: Record<string, CryptoKey>): Promise<void> {
    const jwks = Object.entries(keys).map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid }));
    this.documents["/keys"] = { keys: await Promise.all(jwks) };
  }

  /** A token for `ada`, signed with the first key, unless it is to be otherwise. */
  sign({
    claims,
    key = rsa.privateKey,
    kid = "first",
    alg = "RS256",
    expiresIn = "1h",
  }: Signed = {}): Promise<string> {
    const token = new SignJWT({ iss: this.url, sub: "ada", aud: "app", email: "ada@example.com", ...claims });
    return token
      .setProtectedHeader({ alg, kid, typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime(expiresIn)
      .sign(key);
  }
}
