/** Clients that sign in and out, while their tokens are checked for as long as it takes. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  add,
  commitOf,
  opened,
  openForEachTest,
  Peer,
  start,
  transitions,
} from "../../../suites/server/sync-peer.js";
import { runs } from "../../../suites/setup/property-runs.js";
import { Authenticator, type Caller } from "../auth/authenticator.js";

openForEachTest();

/** Holds the checks of tokens back until they are let go, one by one. A token is the name of its user. */
function holdChecks(): { begun: () => number; letGo: () => void } {
  const held: (() => void)[] = [];
  let begun = 0;
  vi.spyOn(Authenticator.prototype, "user").mockImplementation(async (subject) => {
    begun++;
    await new Promise<void>((resolve) => held.push(resolve));
    const identity = { subject, issuer: "https://i", tokenIdentifier: `https://i|${subject}` };
    const caller: Caller = { kind: "user", identity, seesErrors: true };
    return { caller, expiresAtMs: Date.now() + 60_000 };
  });
  return { begun: () => begun, letGo: () => held.shift()?.() };
}

/** Who a client is after each of its Authenticate messages; before the first it is nobody. */
class Login {
  readonly users: (string | null)[] = [null];
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  as(user: string | null): void {
    const token = user === null ? { tokenType: "None" } : { tokenType: "User", value: user };
    this.#peer.say({ type: "Authenticate", baseVersion: this.users.length - 1, ...token });
    this.users.push(user);
  }

  /** What a client that watches `mod:who` knows after each transition, with who it is by the transition's version. */
  shown(): { readonly knows: unknown; readonly is: string | null | undefined }[] {
    let knows: unknown;
    return transitions(this.#peer.heard).map(({ endVersion, modifications }) => {
      for (const change of modifications) if (change.type === "QueryUpdated") knows = change.value;
      return { knows, is: this.users[endVersion.identity] };
    });
  }
}

test("a client that signs out while its token is checked is nobody in the end", async () => {
  const { begun, letGo } = holdChecks();
  await start();
  const peer = await Peer.connect();
  const login = new Login(peer);
  peer.watch(0, add(0, "mod:who"));
  await peer.until(1);
  login.as("ann");
  login.as(null);
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  expect(login.shown()).toEqual([{ knows: null, is: null }]);
  await expect.poll(begun).toBe(1);
  letGo();
  await expect.poll(() => transitions(peer.heard).at(-1)?.endVersion.identity).toBe(2);
  expect(login.shown().at(-1)).toEqual({ knows: null, is: null });
});

type Step = "ann" | "bob" | "out" | "insert" | "check" | "pause";
const steps = fc.array(
  fc.constantFrom<Step>("ann", "bob", "out", "insert", "insert", "check", "check", "pause"),
  { maxLength: 40 },
);

test("each transition shows what its own version's user sees, in whatever order checks end and commits come", async () => {
  const { letGo } = holdChecks();
  await start();
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const peer = await Peer.connect();
      const login = new Login(peer);
      peer.watch(0, add(0, "mod:who"));
      let inserts = 0;
      for (const step of taken) {
        if (step === "insert") peer.call("Mutation", ++inserts, "mod:insert", { n: inserts });
        else if (step === "check") letGo();
        else if (step === "pause") await new Promise((resolve) => setImmediate(resolve));
        else login.as(step === "out" ? null : step);
      }
      const state = (): unknown => {
        letGo();
        const reached = transitions(peer.heard).at(-1)?.endVersion.identity;
        return [reached, peer.heard.filter(({ type }) => type === "MutationResponse").length];
      };
      await expect.poll(state, { interval: 2 }).toEqual([login.users.length - 1, inserts]);
      const shown = login.shown();
      expect(shown.map(({ knows }) => knows)).toEqual(shown.map(({ is }) => is));
      let before = transitions(peer.heard)[0]?.startVersion;
      for (const { startVersion, endVersion } of transitions(peer.heard)) {
        expect(startVersion).toEqual(before);
        expect(commitOf(endVersion)).toBeGreaterThanOrEqual(commitOf(startVersion));
        before = endVersion;
      }
      opened.pop()?.terminate();
    }),
    { numRuns: runs(100) },
  );
});
