import { expect, test } from "vitest";
import {
  callResponse,
  changeText,
  modificationText,
  queryChange,
  transitionText,
} from "./server-messages.js";

const logLines = ["[LOG] 1"];
const success = { status: "success", value: { n: 1 }, logLines } as const;
const failure = { status: "error", errorMessage: "no", errorCode: "SOME_CODE", logLines } as const;
const withData = { ...failure, errorData: { reason: "x" } } as const;

test("a query's reply is told as an update or a failure, with its data only where there is some", () => {
  expect(queryChange({ reply: success, journal: "j" })).toStrictEqual({
    type: "QueryUpdated",
    value: { n: 1 },
    logLines,
    journal: "j",
  });
  const failed = { type: "QueryFailed", errorMessage: "no", logLines, journal: null };
  expect(queryChange({ reply: failure, journal: null })).toStrictEqual(failed);
  expect(queryChange({ reply: withData, journal: null })).toStrictEqual({
    ...failed,
    errorData: { reason: "x" },
  });
});

test("a transition is put together of texts that were made once, and each client's ids", () => {
  const change = queryChange({ reply: { ...success, value: '}"\u2028' }, journal: null });
  const text = changeText(change);
  const modifications = [modificationText(text, 4), modificationText(text, 17)];
  const [start, end] = [{ querySet: 0 }, { querySet: 1 }];
  const transition = transitionText(JSON.stringify(start), JSON.stringify(end), modifications);
  expect(JSON.parse(transition)).toStrictEqual({
    type: "Transition",
    startVersion: start,
    endVersion: end,
    modifications: [
      { ...change, queryId: 4 },
      { ...change, queryId: 17 },
    ],
  });
});

test("a call's reply is told with its commit when it succeeded and has one, and never when it failed", () => {
  const answer = { type: "MutationResponse", requestId: 9, logLines } as const;
  const succeeded = { ...answer, success: true, result: { n: 1 } };
  expect(callResponse("MutationResponse", 9, success, "ts")).toStrictEqual({ ...succeeded, ts: "ts" });
  expect(callResponse("ActionResponse", 9, success, undefined)).toStrictEqual({
    ...succeeded,
    type: "ActionResponse",
  });
  const failed = { ...answer, success: false, result: "no" };
  expect(callResponse("MutationResponse", 9, failure, "ts")).toStrictEqual(failed);
  expect(callResponse("MutationResponse", 9, withData, "ts")).toStrictEqual({
    ...failed,
    errorData: { reason: "x" },
  });
});
