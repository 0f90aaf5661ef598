// Makes a component of a filter in JavaScript or TypeScript: `node build.mjs` with one argument, JSON, see `javascript.rs`.
// esbuild makes one module of it and all that it imports, componentize-qjs a component of that. What goes wrong is said on
// standard error, in the filter's own terms.

import { readFileSync, writeFileSync } from "node:fs";
import { SourceMap, builtinModules } from "node:module";
import { relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const task = JSON.parse(process.argv[2]);
const esbuild = await load(task.esbuild);
const { componentize } = await load(task.componentize);

const entry = `
import { expose } from "postern-filter/component";
import * as filter from ${JSON.stringify(`./${task.source}`)};
const exposed = expose(filter, ${JSON.stringify(task.handlers)}, ${JSON.stringify(task.source)});
export const { ${task.exports.join(", ")} } = exposed;
`;

const bundle = await esbuild
  .build({
    stdin: { contents: entry, resolveDir: task.directory, sourcefile: "postern:entry" },
    absWorkingDir: task.directory,
    outfile: task.bundle,
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["postern", "module"],
    external: ["postern:*"],
    target: "es2023",
    charset: "utf8",
    legalComments: "none",
    sourcemap: "external",
    logLevel: "silent",
  })
  .catch(refused);
for (const line of await esbuild.formatMessages(bundle.warnings, { kind: "warning" })) console.error(line);

const file = (ending) => bundle.outputFiles.find(({ path }) => path.endsWith(ending)).text;
const place = places(file(".js"), JSON.parse(file(".map")));
const source = file(".js") + table(file(".js"));
writeFileSync(task.bundle, source);

try {
  const made = await componentize({
    witPath: task.wit,
    jsSource: source,
    jsPath: task.bundle,
    world: task.world,
    stubWasi: true,
    sync: true,
  });
  writeFileSync(task.component, made.component);
} catch (error) {
  console.error(explained(String(error.message ?? error)));
  process.exit(1);
}

async function load(path) {
  try {
    const module = await import(pathToFileURL(path));
    return module.default ?? module;
  } catch (error) {
    console.error(`${error.message}\nhint: node_modules is of another machine, or half there: rm -r node_modules && npm install`);
    process.exit(1);
  }
}

/** What esbuild has to say, with our advice in the place of its own, which is for other uses of it. */
async function refused({ errors, message }) {
  const words = (errors ?? []).map((error) => ({ ...error, notes: [] }));
  for (const line of await esbuild.formatMessages(words, { kind: "error", color: process.stderr.isTTY })) console.error(line.trimEnd());
  if (!errors) console.error(message);
  const missing = new Set(words.flatMap(({ text }) => /^Could not resolve "([^".][^"]*)"/.exec(text)?.[1] ?? []));
  for (const name of missing) {
    const isNodes = name.startsWith("node:") || builtinModules.includes(name);
    console.error(isNodes ? "hint: a filter does not run in Node: it has no files, no network, no processes" : `hint: npm install ${name}`);
  }
  process.exit(1);
}

/** Where a line of the bundle is from, `filter.js:12`; nothing of what is not the project's own. */
function places(text, map) {
  const lines = text.split("\n");
  const all = new SourceMap(map);
  return (line) => {
    const indent = lines[line - 1]?.search(/\S/) ?? -1;
    const from = indent < 0 ? {} : all.findEntry(line - 1, indent);
    if (!from.originalSource) return undefined;
    const path = relative(task.directory, resolve(task.bundle, "..", from.originalSource));
    const foreign = path.startsWith("..") || /(^|[\\/])(node_modules|postern)[\\/]|postern:/.test(path);
    return foreign ? undefined : `${path}:${from.originalLine + 1}`;
  };
}

/** The same for the filter itself, which tells the operator where it failed. */
function table(text) {
  const files = [];
  const known = text.split("\n").map((_, at) => {
    const [path, line] = place(at + 1)?.split(/:(?=\d+$)/) ?? [];
    if (!path) return "";
    if (!files.includes(path)) files.push(path);
    return `${files.indexOf(path)}:${line}`;
  });
  return `
globalThis.postern_lines = (line) => {
  const [file, at] = (${JSON.stringify(known.join(" "))}.split(" ")[line - 1] ?? "").split(":");
  return at && ${JSON.stringify(files)}[file] + ":" + at;
};
`;
}

/** What the engine said while it ran the top level of the filter. */
function explained(words) {
  const called = /unknown import: `postern:filter\/([a-z]+)@[^#]*#([a-z-]+)`/.exec(words);
  if (called) {
    return (
      `${task.source} asks postern for \`${called[1]}.${called[2]}\` outside of its handlers: that runs when the filter is built\n` +
      "hint: move it into a handler, or into `configure`, which is called before the first"
    );
  }
  const thrown = /Failed to (?:finish|evaluate|declare) JavaScript module[^:]*: (.*)/s.exec(words.replace(/^.*?(?=Failed to finish|Failed to declare)/s, ""));
  if (!thrown) return words;
  const traced = thrown[1].replace(/\(?\/[^\s():]+:(\d+):\d+\)?/g, (whole, line) => place(Number(line)) ?? "postern");
  const told = traced.split("\n").filter((line) => line.trim() && !/\bpostern$/.test(line));
  // What `expose` of the SDK says of a filter that does not do what its filter.toml says.
  const own = /^Error: postern: (.*)/.exec(told[0]);
  if (own) return [own[1], ...told.slice(1).filter((line) => line.startsWith("hint: "))].join("\n");
  return `${task.source} failed when it was loaded: ${told.join("\n")}`;
}
