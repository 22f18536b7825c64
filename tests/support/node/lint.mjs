// lint.mjs ACTIONS FILE…: what GitHub's own workflow parser finds, a line each.
// ACTIONS/<owner>/<name>/<path>/action.yml says which inputs an action has.
import { validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [actions, ...files] = process.argv.slice(2);

async function fetchActionMetadata({ owner, name, path }) {
  const file = join(actions, owner, name, path ?? "", "action.yml");
  return existsSync(file) ? parse(readFileSync(file, "utf8")) : undefined;
}

for (const file of files.map((name) => resolve(name))) {
  const root = file.split("/.github/")[0];
  const document = TextDocument.create(`file://${file}`, "yaml", 1, readFileSync(file, "utf8"));
  const found = await validate(document, {
    actionsMetadataProvider: { fetchActionMetadata },
    fileProvider: {
      getFileContent: async ({ path }) => ({
        name: path,
        content: readFileSync(join(root, path), "utf8"),
      }),
    },
  });
  for (const { range, message } of found) {
    console.log(`${file}:${range.start.line + 1}:${range.start.character + 1}: ${message}`);
  }
}
