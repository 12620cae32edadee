/**
 * Measures every operation of the aggregate on every peer. Reads are checked answer by answer. Writes insert items between
 * those that stay, move them, and delete them again, after which counts and sums must be what they were.
 */
import { measure, type Contender, type Effort, type Task } from "../harness/measure.js";
import type { Footprint, Row } from "../harness/report.js";
import { Items, questionTypes, type BenchItem, type QuestionType, type Subject } from "./items.js";
import { countedTreeSubject, openSubjects } from "./subjects.js";

/** How many items a batch inserts, and how many questions a query asks that asks many. */
const batchSize = 100;
const maxWritesPerTurn = 300;

/** How many it asks of the mock with very many documents, where a hundred take seconds; each costs the same. */
function inQuery({ name }: Subject, size: number): number {
  return name.includes("convex-test") && size >= 100_000 ? batchSize / 10 : batchSize;
}

export interface AggregateFigures {
  readonly rows: readonly Row[];
  readonly footprints: readonly Footprint[];
}

export async function benchAggregate(
  size: number,
  effort: Effort,
  log: (line: string) => void,
): Promise<AggregateFigures> {
  const items = new Items(size);
  const subjects = await openSubjects(items, log);
  const rows: Row[] = [];
  const run: Run = async (operation, contenders, change = {}) => {
    const measurements = await measure(contenders, { ...effort, ...change });
    rows.push(...measurements.map((measured): Row => ({ part: "aggregate", size, operation, ...measured })));
    log(`${size} items: ${operation}`);
  };
  const footprints: Footprint[] = [];
  try {
    for (const subject of subjects) {
      const footprint = await subject.footprint();
      if (footprint !== null) footprints.push({ peer: subject.name, size, ...footprint });
    }
    for (const type of questionTypes) {
      const asked = subjects.filter(({ unanswered }) => !unanswered.includes(type));
      await run(
        titles[type],
        asked.map((subject) => reader(subject, items, type, 1)),
      );
      const insiders = asked.filter(({ hasCalls, name }) => hasCalls || name === countedTreeSubject);
      await run(
        `${titles[type]}, ${batchSize} in a query`,
        insiders.map((subject) => reader(subject, items, type, inQuery(subject, size))),
      );
    }
    await benchWrites(subjects, items, run);
  } finally {
    for (const subject of subjects) await subject.close();
  }
  return { rows, footprints };
}

/** The names that tables give to the questions. */
const titles: Readonly<Record<QuestionType, string>> = {
  count: "count in bounds",
  sum: "sum in bounds",
  at: "at(offset)",
  indexOf: "indexOf",
  percentile: "percentile",
  page: "page of 100, deep",
};

function reader(subject: Subject, items: Items, type: QuestionType, perCall: number): Contender {
  return {
    peer: subject.name,
    perCall,
    next: () => {
      const questions = Array.from({ length: perCall }, () => items.ask(type));
      return {
        run: () => subject.answer(questions),
        check: (answers) => {
          const right = questions.map((question) => items.answer(question));
          if (JSON.stringify(answers) === JSON.stringify(right)) return;
          throw new Error(`${subject.name} answers ${JSON.stringify({ questions, answers, right })}`);
        },
      };
    },
  };
}

type Run = (operation: string, contenders: readonly Contender[], effort?: Partial<Effort>) => Promise<void>;

/** What was inserted by a peer and not yet moved, and what was moved. */
interface Writer {
  readonly subject: Subject;
  readonly added: BenchItem[];
  readonly moved: BenchItem[];
}

async function benchWrites(subjects: readonly Subject[], items: Items, run: Run): Promise<void> {
  const writers = subjects.map((subject): Writer => ({ subject, added: [], moved: [] }));
  const contend = (perCall: number, next: (writer: Writer) => Task | null): Contender[] =>
    writers.map((writer) => ({ peer: writer.subject.name, perCall, next: () => next(writer) }));
  const check = () => checkAll(writers, items);
  // These are so few that the size is still what the table says.
  const turnCalls = Math.min(maxWritesPerTurn, items.size / 10);

  await run(
    "insert, one per mutation",
    contend(1, (writer) => insertion(writer, items, 1)),
    { turnCalls },
  );
  await check();
  // What a slow peer has inserted may be less than what it replaces and deletes.
  for (const { subject, added } of writers) {
    const fresh = Array.from({ length: 2 * batchSize }, () => items.fresh());
    added.push(...fresh);
    await subject.insert(fresh);
  }
  await run(
    "replace",
    contend(1, (writer) => replacement(writer, items)),
    { turnCalls },
  );
  await check();
  await run("delete", contend(1, deletion), { turnCalls });
  await check();
  await empty(writers);
  await check();
  const batches = Math.ceil(turnCalls / batchSize);
  const inserters = contend(batchSize, (writer) => insertion(writer, items, batchSize));
  await run(`insert, ${batchSize} per mutation`, inserters, { turnCalls: batches });
  await check();
  await empty(writers);
  await check();
}

function insertion({ subject, added }: Writer, items: Items, count: number): Task {
  const fresh = Array.from({ length: count }, () => items.fresh());
  added.push(...fresh);
  return { run: () => subject.insert(fresh) };
}

function replacement({ subject, added, moved }: Writer, items: Items): Task | null {
  const from = added.pop();
  if (from === undefined) return null;
  const to = items.moved(from);
  moved.push(to);
  return { run: () => subject.replace(from, to) };
}

function deletion({ subject, added, moved }: Writer): Task | null {
  const item = moved.pop() ?? added.pop();
  return item === undefined ? null : { run: () => subject.remove([item]) };
}

/** Removes everything that was added. */
async function empty(writers: readonly Writer[]): Promise<void> {
  for (const { subject, added, moved } of writers) {
    for (const list of [added, moved]) {
      while (list.length > 0) await subject.remove(list.splice(-batchSize));
    }
  }
}

/** Throws unless every peer holds the items that stay and those that were added, and nothing else. */
async function checkAll(writers: readonly Writer[], items: Items): Promise<void> {
  for (const { subject, added, moved } of writers) {
    const { count, sum } = await subject.totals();
    const extra = [...added, ...moved];
    const right = extra.reduce((total, { sumValue }) => total + sumValue, items.total);
    if (count !== items.size + extra.length || (sum ?? right) !== right) {
      throw new Error(
        `${subject.name} holds ${count} items of sum ${sum}, not ${items.size + extra.length} of ${right}`,
      );
    }
  }
}
