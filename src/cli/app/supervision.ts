/**
 * What a supervisor and the process that serves for it tell each other. The server learns where it stands from one variable of
 * its environment, which it takes away before the app's functions can see it; orders come as messages, because signals
 * of a terminal or of systemd reach both. The watchdog, whose process cannot speak any more, writes to a pipe of its own.
 */
import type { StalledCall } from "../../functions/index.js";

/** The ports on which it listens, so that the next process takes the same. */
export interface Ports {
  readonly port: number;
  readonly sitePort: number;
}

/** What a server is told when it begins. */
export interface Charge {
  readonly supervisorPid: number;
  /** Null for the first server, which takes those of its options. */
  readonly ports: Ports | null;
  readonly stalledCalls: readonly StalledCall[];
}

/** Of messages: a supervisor says "end", and a second time "end" for at once; a server says on which ports it is ready. */
export type Message = "end" | Ports;

export const chargeVariable = "TRUEUP_SUPERVISED";
/** The file descriptor of the watchdog's pipe. */
export const reportPipe = 4;

let charge: Charge | null | undefined;

/** What the supervisor of this process says; null where it has none. */
export function supervised(): Charge | null {
  charge ??= readCharge();
  return charge;
}

/** Tells the supervisor, if there is one, that the server is ready. */
export function reportReady(ports: Ports): void {
  if (supervised() !== null) process.send?.(ports satisfies Message);
}

function readCharge(): Charge | null {
  const text = process.env[chargeVariable];
  delete process.env[chargeVariable];
  if (text === undefined || process.send === undefined) return null;
  const found = JSON.parse(text) as Charge;
  return found.supervisorPid === process.ppid ? found : null;
}
