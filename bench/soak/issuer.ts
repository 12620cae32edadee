/** Issues tokens that soon end to users of the soak, and publishes the key that signs them. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

export class Issuer {
  readonly url: string;
  readonly #server: Server;
  readonly #key: PrivateKey;

  private constructor(server: Server, key: PrivateKey) {
    this.#server = server;
    this.#key = key;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "soak", alg: "ES256" }] });
    const server = createServer((_request, response) => response.end(keys));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Issuer(server, privateKey);
  }

  async sign(user: string, lifeSeconds: number): Promise<string> {
    return await new SignJWT({ iss: this.url, sub: user, aud: "soak" })
      .setProtectedHeader({ alg: "ES256", kid: "soak", typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime(`${lifeSeconds}s`)
      .sign(this.#key);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
