/**
 * Pushes that were begun and not finished, as they were evaluated: so any process can go on with a push, and can load the code
 * of a program to come. Most are never finished, so only the latest few are kept. What the processes tell each other of a push
 * stands in its row, too: what was asked for, how far it is, and what came of it.
 */
import {
  readAll,
  type Document,
  type MutationTransaction,
  type QueryTransaction,
} from "../../database/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { Environment } from "../definitions/component-tree.js";
import { manifestText, programOf, textsOf } from "./manifest.js";
import type { ProgramCode, Schemas } from "./program-code.js";
import { addTexts, readTexts, textHash } from "./text-table.js";
import { codeText } from "./program-names.js";

export const proposedTable = "_proposed_pushes";

/** A push between its steps. */
export interface ProposedPush {
  readonly code: ProgramCode;
  /** The environment variables that it was evaluated with. */
  readonly env: Environment;
  readonly dryRun: boolean;
  /** The code in place when it began, as `codeTextOf` tells it. */
  readonly base: string | null;
  /** The schemas that were in force then. */
  readonly before: Schemas;
}

/** What processes tell each other of a push, each as JSON. */
export interface PushTalk {
  /** What was asked for in another process than that which deploys; null when nothing was. */
  readonly asked: string | null;
  /** How far it is, as that process said last. */
  readonly status: string | null;
  /** What came of it. */
  readonly outcome: string | null;
}

interface Row extends PushTalk {
  readonly pushId: string;
  readonly manifest: string;
  /** The hash of a text with `env` and `before`. */
  readonly inputs: string;
  /** The hashes of all texts, with commas between them. */
  readonly texts: string;
  readonly base: string | null;
  readonly dryRun: boolean;
}

interface Inputs {
  readonly env: Environment;
  readonly before: readonly (readonly [string, SchemaJson | null])[];
}

const maxProposed = 4;
const silence: PushTalk = { asked: null, status: null, outcome: null };

/** Keeps a push, and forgets the oldest but a few. The transaction must have no limits. */
export async function proposePush(tx: MutationTransaction, push: ProposedPush): Promise<void> {
  const { code, env, before, base, dryRun } = push;
  const writer = tx.system("");
  const manifest = manifestText(code);
  const inputs = JSON.stringify({ env, before: [...before] } satisfies Inputs);
  const texts = [manifest, inputs, ...textsOf(code)];
  await addTexts(writer, texts);
  const hashes = [...new Set(texts.map(textHash))].join();
  const { pushId } = code;
  const row: Row = {
    pushId,
    manifest: textHash(manifest),
    inputs: textHash(inputs),
    texts: hashes,
    base,
    dryRun,
    ...silence,
  };
  const rows = await readRows(tx);
  for (const { _id, ...old } of rows.slice(0, Math.max(0, rows.length + 1 - maxProposed))) {
    const isFollowed = codeText({ kind: "push", pushId: old.pushId }) === tx.followers?.program;
    if (!isFollowed) await writer.delete(_id, proposedTable);
  }
  await writer.insert(proposedTable, { ...row });
}

/** Null when it is finished, was forgotten, or its texts are damaged. */
export async function readProposed(tx: QueryTransaction, pushId: string): Promise<ProposedPush | null> {
  const row = (await readRows(tx)).find((each) => each.pushId === pushId);
  if (row === undefined) return null;
  const texts = await readTexts(tx.system(""));
  const code = programOf(row.manifest, texts);
  const inputs = texts.get(row.inputs);
  if (code === null || inputs === undefined) return null;
  const { env, before } = JSON.parse(inputs) as Inputs;
  return { code, env, before: new Map(before), base: row.base, dryRun: row.dryRun };
}

/** What is said of a push; null when there is no such push. */
export async function readTalk(tx: QueryTransaction, pushId: string): Promise<PushTalk | null> {
  return (await readRows(tx)).find((each) => each.pushId === pushId) ?? null;
}

/** What is said of all pushes, by id. */
export async function readTalks(tx: QueryTransaction): Promise<ReadonlyMap<string, PushTalk>> {
  return new Map((await readRows(tx)).map((row) => [row.pushId, row]));
}

/** Says something of a push, if there is such a push. */
export async function say(tx: MutationTransaction, pushId: string, said: Partial<PushTalk>): Promise<void> {
  const row = (await readRows(tx)).find((each) => each.pushId === pushId);
  if (row !== undefined) await tx.system("").patch(row._id, said, proposedTable);
}

/** Forgets a push. */
export async function withdraw(tx: MutationTransaction, pushId: string): Promise<void> {
  for (const row of await readRows(tx)) {
    if (row.pushId === pushId) await tx.system("").delete(row._id, proposedTable);
  }
}

/** The hashes of the texts of all pushes that are kept. */
export async function proposedTexts(tx: QueryTransaction): Promise<ReadonlySet<string>> {
  return new Set((await readRows(tx)).flatMap(({ texts }) => texts.split(",")));
}

/** In the order they were begun. */
async function readRows(tx: QueryTransaction): Promise<(Row & Document)[]> {
  return await readAll<Row>(tx.system(""), proposedTable);
}
