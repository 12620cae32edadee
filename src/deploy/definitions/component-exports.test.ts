import { expect, test } from "vitest";
import { definitionExports, instanceExports } from "./component-exports.js";

const functions = ["lib:list", "dir/mod:add", "dir/other:default", "dir/mod:remove"];

test("a definition exports its functions, nested by module path", () => {
  expect(definitionExports(functions)).toEqual({
    type: "branch",
    branch: [
      [
        "dir",
        {
          type: "branch",
          branch: [
            [
              "mod",
              {
                type: "branch",
                branch: [
                  ["add", { type: "leaf", leaf: "_reference/function/dir/mod:add" }],
                  ["remove", { type: "leaf", leaf: "_reference/function/dir/mod:remove" }],
                ],
              },
            ],
            [
              "other",
              {
                type: "branch",
                branch: [["default", { type: "leaf", leaf: "_reference/function/dir/other:default" }]],
              },
            ],
          ],
        },
      ],
      ["lib", { type: "branch", branch: [["list", { type: "leaf", leaf: "_reference/function/lib:list" }]] }],
    ],
  });
});

test("an instance exports the same, told by its own path", () => {
  expect(instanceExports("a/b", ["lib:list"])).toEqual({
    lib: {
      type: "branch",
      children: {
        list: {
          type: "leaf",
          resource: { type: "function", path: { component: "a/b", udfPath: "lib:list" } },
        },
      },
    },
  });
});
