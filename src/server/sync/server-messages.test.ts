import { expect, test } from "vitest";
import { callResponse, queryModification } from "./server-messages.js";

const logLines = ["[LOG] 1"];
const success = { status: "success", value: { n: 1 }, logLines } as const;
const failure = { status: "error", errorMessage: "no", errorCode: "SOME_CODE", logLines } as const;
const withData = { ...failure, errorData: { reason: "x" } } as const;

test("a query's reply is told as an update or a failure, with its data only where there is some", () => {
  expect(queryModification(4, { reply: success, journal: "j" })).toStrictEqual({
    type: "QueryUpdated",
    queryId: 4,
    value: { n: 1 },
    logLines,
    journal: "j",
  });
  const failed = { type: "QueryFailed", queryId: 4, errorMessage: "no", logLines, journal: null };
  expect(queryModification(4, { reply: failure, journal: null })).toStrictEqual(failed);
  expect(queryModification(4, { reply: withData, journal: null })).toStrictEqual({
    ...failed,
    errorData: { reason: "x" },
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
