// Reads {"contexts": {…}, "expression": "…"} a line, writes what GitHub's evaluator makes of each.
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { reviver } from "@actions/expressions/data/reviver";
import { createInterface } from "node:readline";

// What stands for a job that goes well; the others are checked by running them.
const statuses = ["always", "cancelled", "failure", "success"].map((name) => ({
  name,
  minArgs: 0,
  maxArgs: 0,
  call: () => new data.BooleanData(name === "always" || name === "success"),
}));
const functions = new Map(statuses.map((status) => [status.name, status]));

for await (const line of createInterface({ input: process.stdin })) {
  const { expression } = JSON.parse(line);
  const { contexts } = Object.fromEntries(
    JSON.parse(line, reviver).pairs().map(({ key, value }) => [key, value]),
  );
  const names = contexts.pairs().map(({ key }) => key);
  const tokens = new Lexer(expression).lex().tokens;
  const parsed = new Parser(tokens, names, statuses).parse();
  const result = new Evaluator(parsed, contexts, functions).evaluate();
  console.log(JSON.stringify(JSON.parse(JSON.stringify(result, data.replacer))));
}
