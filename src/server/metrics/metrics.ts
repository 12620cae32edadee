/**
 * What Prometheus is told. Calls are counted as they end; everything else is read from the engine's own figures when somebody
 * asks, so a server whose metrics nobody reads pays for next to nothing. Labels are names of what is deployed, never a caller's.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { Backend, BackendFigures, EndedCall } from "../../backend/index.js";
import { TextReply } from "../http/route.js";
import { CallTally } from "./call-tally.js";
import { version } from "../version.js";

/** What the server itself has in hand. */
export interface ServerFigures {
  readonly sockets: number;
  /** Different queries that are watched. */
  readonly watchedQueries: number;
  /** Watches of queries: a query that three connections watch counts three times. */
  readonly subscriptions: number;
  /** Bytes and calls that callers have in hand together; see the limits of these names. */
  readonly bytes: number;
  readonly calls: number;
  /** HTTP requests. */
  readonly requestsUnderWay: number;
  /** What was refused, by the name of the limit that it met. */
  readonly refused: Readonly<Record<string, number>>;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The metrics of Node and of the process, which all servers of a process share. They are watched from the first question on. */
let ofProcess: Registry | null = null;

function processRegistry(): Registry {
  if (ofProcess === null) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** What is asked for the figures of the engine. */
export type MetricsSource = Pick<Backend, "figures" | "activeProgram">;

export class Metrics {
  readonly #backend: MetricsSource;
  readonly #figures: () => ServerFigures;
  readonly #calls: CallTally;

  /** @param figures What the server has in hand now. */
  constructor(backend: MetricsSource, figures: () => ServerFigures) {
    this.#backend = backend;
    this.#figures = figures;
    this.#calls = new CallTally(() => backend.activeProgram);
  }

  /** Counts a call that has ended. */
  add(call: EndedCall): void {
    this.#calls.add(call);
  }

  /** All of it, in the text format of Prometheus. @throws BACKEND_CLOSED */
  async read(): Promise<TextReply> {
    const figures = await this.#backend.figures();
    const now = new Registry();
    gauge(now, "trueup_info", "The version that runs.", [[{ version }, 1]]);
    tellServer(now, this.#figures());
    tellStorage(now, figures);
    tellJobs(now, figures);
    tellAggregates(now, figures);
    tellMigrations(now, figures);
    tellFunctions(now, this.#calls);
    const parts = [this.#calls.histogramText(), await now.metrics(), await processRegistry().metrics()];
    return new TextReply(parts.join("\n"), now.contentType);
  }
}

function tellServer(now: Registry, server: ServerFigures): void {
  gauge(now, "trueup_sockets", "WebSocket connections.", server.sockets);
  gauge(now, "trueup_watched_queries", "Different queries that are watched.", server.watchedQueries);
  gauge(now, "trueup_subscriptions", "Watches of queries, each for a client.", server.subscriptions);
  gauge(now, "trueup_requests_under_way", "HTTP requests under way.", server.requestsUnderWay);
  gauge(now, "trueup_calls_in_hand", "Calls of connections under way or waiting.", server.calls);
  gauge(now, "trueup_bytes_in_hand", "Bytes received and not answered, or sent and not taken.", server.bytes);
  const refused = Object.entries(server.refused).map(([limit, count]): Sample => [{ limit }, count]);
  counter(now, "trueup_refused_total", "What met a limit of the server and was refused.", refused);
}

function tellFunctions(now: Registry, { functions }: CallTally): void {
  const calls: Sample[] = [];
  const seconds: Sample[] = [];
  for (const { path, componentPath, succeeded, failed, ms } of functions) {
    const labels = { function: path, component: componentPath };
    calls.push([{ ...labels, outcome: "success" }, succeeded], [{ ...labels, outcome: "failure" }, failed]);
    seconds.push([labels, ms / 1000]);
  }
  counter(now, "trueup_function_calls_total", "Calls of each function, by how they ended.", calls);
  counter(now, "trueup_function_seconds_total", "How long the calls of each took in all.", seconds);
}

function tellStorage(now: Registry, { commits, conflicts, storage }: BackendFigures): void {
  counter(now, "trueup_commits_total", "Commits, those of background work too.", commits);
  counter(now, "trueup_conflicts_total", "Transactions that met a conflict and ran again.", conflicts);
  if (storage === null) return;
  const { flushes, flushMs, dataBytes, logBytes } = storage;
  counter(now, "trueup_flushes_total", "Flushes of commits to the disk.", flushes);
  counter(now, "trueup_flush_seconds_total", "How long these took in all.", flushMs / 1000);
  gauge(now, "trueup_storage_bytes", "Size of the data file, and of the log beside it.", [
    [{ part: "data" }, dataBytes],
    [{ part: "log" }, logBytes],
  ]);
}

function tellJobs(now: Registry, { jobs }: BackendFigures): void {
  const { due, longestDueMs, runningActions, ended } = jobs;
  gauge(now, "trueup_jobs_due", "Scheduled functions whose time has come; at most 1000 a component.", due);
  gauge(now, "trueup_jobs_longest_due_seconds", "How late the earliest of them is.", longestDueMs / 1000);
  gauge(now, "trueup_jobs_running_actions", "Scheduled actions under way.", runningActions);
  const states = Object.entries(ended).map(([outcome, count]): Sample => [{ outcome }, count]);
  counter(now, "trueup_jobs_ended_total", "Scheduled functions that have ended.", states);
}

function tellAggregates(now: Registry, { aggregates }: BackendFigures): void {
  const drift = aggregates.flatMap(({ name, drift: known }): Sample[] =>
    known === null ? [] : [[{ aggregate: name }, known]],
  );
  gauge(now, "trueup_aggregate_drift", "Known differences of an aggregate from its table.", drift);
  const ready = aggregates.map(({ name, state }): Sample => [{ aggregate: name }, Number(state === "ready")]);
  gauge(now, "trueup_aggregate_ready", "Whether an aggregate answers.", ready);
}

function tellMigrations(now: Registry, { migrations, transforms, pendingSchemas }: BackendFigures): void {
  const all = [
    ...migrations.map((each) => ({ ...each, kind: "migration" })),
    ...transforms.map((each) => ({ ...each, kind: "transform" })),
  ];
  const samples = all.flatMap(({ kind, name, componentPath: component, processed, total, failed }) => {
    const counts = { processed, total, failed };
    return Object.entries(counts).flatMap(([part, count]): Sample[] =>
      typeof count === "number" ? [[{ kind, name, component, part }, count]] : [],
    );
  });
  gauge(now, "trueup_migration_documents", "Documents of migrations and transforms.", samples);
  const running = migrations.filter(({ state }) => state === "inProgress").length;
  gauge(now, "trueup_migrations_running", "Migrations at work.", running + transforms.length);
  const stuck = migrations.filter(({ state }) => state === "failed").length;
  gauge(now, "trueup_migrations_failed", "Migrations that have stopped at an error.", stuck);
  gauge(now, "trueup_schemas_pending", "Schemas that documents do not all fit yet.", pendingSchemas.length);
}

function gauge(now: Registry, name: string, help: string, value: number | readonly Sample[]): void {
  const samples = samplesOf(value);
  if (samples.length === 0) return;
  const made = new Gauge({ name, help, labelNames: labelsOf(samples), registers: [now] });
  for (const [labels, count] of samples) made.set(labels, count);
}

/** @param value All that was counted so far. */
function counter(now: Registry, name: string, help: string, value: number | readonly Sample[]): void {
  const samples = samplesOf(value);
  if (samples.length === 0) return;
  const made = new Counter({ name, help, labelNames: labelsOf(samples), registers: [now] });
  for (const [labels, count] of samples) made.inc(labels, count);
}

const noLabels: Labels = {};

function samplesOf(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === "number" ? [[noLabels, value]] : value;
}

function labelsOf([first]: readonly Sample[]): string[] {
  return Object.keys(first?.[0] ?? noLabels);
}
