// Lets scripts here import what `make peers` put into .tools, and JSON as the @actions packages do.
import { register } from "node:module";

const hooks = `
import { readFile } from "node:fs/promises";

let tools;
export function initialize(where) { tools = where; }

export function resolve(name, context, next) {
  const bare = !/^[./]|^[a-z]+:/.test(name);
  const ours = bare && !context.parentURL?.includes("/node_modules/");
  return next(name, ours ? { ...context, parentURL: tools } : context);
}

export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const text = await readFile(new URL(url), "utf8");
  return { format: "module", shortCircuit: true, source: "export default " + text };
}`;

register("data:text/javascript," + encodeURIComponent(hooks), {
  data: new URL("../../../.tools/", import.meta.url).href,
});
