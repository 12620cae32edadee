/** The process of a network: what passes through it, in either direction, arrives half a round trip later. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { answerParent } from "../harness/child.js";

export interface DelayArgs {
  readonly port: number;
  readonly roundTripMs: number;
}

answerParent({
  open: async ({ port, roundTripMs }: DelayArgs) => {
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port, host: "127.0.0.1", noDelay: true });
      pass(near, far, roundTripMs / 2);
      pass(far, near, roundTripMs / 2);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  },
});

function pass(from: Socket, to: Socket, delayMs: number): void {
  from.on("data", (data) => setTimeout(() => to.write(data), delayMs));
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroy());
}
