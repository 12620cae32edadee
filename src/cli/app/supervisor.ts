/**
 * Runs a command that serves as a child process, and again when it ends otherwise than by an order: within a second, later
 * each time when it dies again and again. This process has no code of the app in it and does nothing else. It passes on
 * signals and the exit code, and the streams of the child are its own.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import type { StalledCall } from "../../functions/index.js";
import { withHiddenStorage } from "../arguments/chosen-data.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { pause, type Terminal } from "../output/terminal.js";
import { chargeVariable, reportPipe, type Charge, type Message, type Ports } from "./supervision.js";

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** On which ports it was ready; null when it never was. */
  readonly ports: Ports | null;
  readonly livedMs: number;
  /** The call that the watchdog ended it for. */
  readonly stalledCall: StalledCall | null;
}

/** From the order to end on, so much time has a server that does not answer; one that does needs five seconds. */
const patienceMs = 7_000;
/** A server that lives for less is started again later each time. */
const soonMs = 10_000;
const longestPauseMs = 30_000;
/** So many calls are handed on; more come only from a client that makes new ones on purpose. */
const maxStalledCalls = 100;

/**
 * Runs this process's own command line as a server until it is told to end, or ends by itself. Resolves with the exit code.
 * @param say Takes what happens to the server.
 */
export async function supervise(terminal: Terminal, say: (line: string) => void): Promise<ExitCode> {
  let ports: Ports | null = null;
  let deaths = 0;
  const stalledCalls: StalledCall[] = [];
  for (;;) {
    const ended = await runServer({ supervisorPid: process.pid, ports, stalledCalls }, terminal);
    if (terminal.interrupted.aborted) return exitCode(ended.code ?? exitCodes.success);
    // What ends by itself before it was ever ready would do so again: a port that is taken, a wrong option.
    const wasNeverReady = ports === null && ended.ports === null;
    if (ended.code === 0 || (ended.code !== null && wasNeverReady)) return exitCode(ended.code);
    ports = ended.ports ?? ports;
    if (ended.stalledCall !== null) stalledCalls.push(ended.stalledCall);
    stalledCalls.splice(0, stalledCalls.length - maxStalledCalls);
    deaths = ended.livedMs < soonMs ? deaths + 1 : 0;
    const waitMs = deaths < 2 ? 0 : Math.min(longestPauseMs, 250 * 2 ** deaths);
    const how = ended.signal ?? `exit code ${ended.code}`;
    say(
      `The server has ended by ${how}, and is started again${waitMs === 0 ? "" : ` in ${waitMs / 1000} s`}.`,
    );
    await pause(waitMs, terminal.interrupted);
    if (terminal.interrupted.aborted) return exitCodes.success;
  }
}

function exitCode(code: number): ExitCode {
  return Object.values(exitCodes).find((known) => known === code) ?? exitCodes.failed;
}

async function runServer(charge: Charge, { env, interrupted }: Terminal): Promise<Ended> {
  const begunAtMs = performance.now();
  const line = withHiddenStorage(process.argv.slice(1));
  const child = spawn(process.execPath, [...process.execArgv, ...line.args], {
    stdio: ["inherit", "inherit", "inherit", "ipc", "pipe"],
    env: { ...env, ...line.env, [chargeVariable]: JSON.stringify(charge) },
  });
  let ports: Ports | null = null;
  child.on("message", (message: Message) => {
    if (typeof message === "object") ports = message;
  });
  const kill = (): void => void child.kill("SIGKILL");
  let timer: NodeJS.Timeout | undefined;
  const order = (): void => {
    if (child.connected) child.send("end" satisfies Message, () => {});
    timer = setTimeout(kill, patienceMs);
  };
  // Also where a second signal ends this process at once.
  process.on("exit", kill);
  if (interrupted.aborted) order();
  interrupted.addEventListener("abort", order, { once: true });
  const report = text(child.stdio[reportPipe] as Readable).catch(() => "");
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  process.off("exit", kill);
  interrupted.removeEventListener("abort", order);
  const livedMs = performance.now() - begunAtMs;
  return { code, signal, ports, livedMs, stalledCall: parseReport(await report) };
}

function parseReport(report: string): StalledCall | null {
  try {
    return JSON.parse(report) as StalledCall;
  } catch {
    return null;
  }
}
