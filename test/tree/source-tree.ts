// The source tree as text: its files, what they import, what they export; and the documents beside it.
// Leaves to others: the rules (tree.test.ts, documents.test.ts).
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** The root of the repository. */
export const ROOT = normalize(join(import.meta.dir, "../.."));

/** A file of `src/`. */
export interface SourceFile {
  /** Its path within `src/`: `log/log.ts`. */
  readonly path: string;
  readonly text: string;
  /** Paths within `src/` of the files that it imports, as types too. */
  readonly imports: readonly string[];
}

/** All files of `src/`, by path. */
export function sourceFiles(): readonly SourceFile[] {
  const names = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, "src", path), "utf8");
      return { path, text, imports: importsOf(path, text) };
    });
}

/** The folder of a path within `src/`, such as `storage`; "" for the files at the root. */
export function folderOf(path: string): string {
  const at = path.indexOf("/");
  return at < 0 ? "" : path.slice(0, at);
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

/** Paths within `src/` of all files that are loaded with a file: not those of types, or of `import()`. */
export function loadedWith(path: string): string[] {
  const loaded = new Set([path]);
  // A set may grow while it is iterated.
  for (const each of loaded) {
    const text = readFileSync(join(ROOT, "src", each), "utf8");
    for (const { kind, path: target } of transpiler.scanImports(text)) {
      const isOurs = kind === "import-statement" && target.startsWith(".");
      if (isOurs) loaded.add(sourceOf(normalize(join(dirname(each), target))));
    }
  }
  return [...loaded].sort();
}

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)"(\.[^"]+)"/g);
  return [...found].flatMap(([, target]) => {
    const imported = sourceOf(normalize(join(dirname(path), target ?? "")));
    return imported.endsWith(".html") ? scriptsOf(imported) : [imported];
  });
}

/** The source file of an import: TypeScript names the file that a compiler would write. */
function sourceOf(path: string): string {
  return path.replace(/\.js$/, ".ts");
}

/** The scripts of a web page, which are imported with it. */
function scriptsOf(path: string): string[] {
  const found = readFileSync(join(ROOT, "src", path), "utf8").matchAll(/\bsrc="(\.[^"]+)"/g);
  return [...found].map(([, target]) => normalize(join(dirname(path), target ?? "")));
}

/** The re-exports of a text, by file: paths within `src/`, and the names. */
export function exportsOf(text: string): { path: string; names: string[] }[] {
  const found = text.matchAll(/^export (?:type )?\{([^}]*)\} from "\.\/([^"]+)";/gm);
  return [...found].map(([, list = "", path = ""]) => ({
    path: sourceOf(path),
    names: [...list.matchAll(/(?:type )?(\w+)(?:,|\s*$)/g)].map(([, name = ""]) => name),
  }));
}

/** Exports of these names, and their public methods, that have no doc comment right above them, as `line: name`. */
export function undocumented(
  text: string,
  names: readonly string[],
  inherited: ReadonlySet<string> = new Set(),
): string[] {
  const lines = text.split("\n");
  const missing = new Set(names);
  let inClass = false;
  let inherits = false;
  const found = lines.flatMap((line, i) => {
    const declared =
      /^export (?:abstract )?(?:async )?(?:function\*?|class|interface|type|const) (\w+)/.exec(
        line,
      );
    const isMeant = declared !== null && missing.delete(declared[1] ?? "");
    if (isMeant && / class /.test(line)) {
      inClass = true;
      inherits = / implements /.test(line);
    } else if (line === "}") inClass = false;
    const method = /^ {2}(?:static )?(?:async )?(?:get )?\*?([a-z]\w*)(?:<[^>]*>)?\(/.exec(line);
    const isMethod = inClass && method !== null && method[1] !== "constructor";
    if (isMethod && inherits && inherited.has(method[1] ?? "")) return [];
    if (!(isMeant || isMethod) || (lines[i - 1] ?? "").trimEnd().endsWith("*/")) return [];
    return [`${i + 1}: ${(isMeant ? declared : method)?.[1]}`];
  });
  return [...found, ...[...missing].map((name) => `${name} is not here`)];
}

/** The members of an interface that have a doc comment. */
export function documentedMembers(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/\*\/\n {2}(?:readonly )?(\w+)/g)].map(([, name]) => name!));
}

/** README and the documents, by path from the root. */
export const DOCUMENT_PATHS: readonly string[] = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => `docs/${name}`),
];

/** The text of a file, by its path from the root. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** A Markdown text without its fenced blocks. */
export function withoutBlocks(text: string): string {
  return text.replace(/^```[^\n]*\n[\s\S]*?^```$/gm, "");
}

/** The anchors of a Markdown text's headings, as the usual renderers make them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = withoutBlocks(text).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      (heading ?? "")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** The part of a Markdown text under a heading, up to the next heading of any level; throws if there is none. */
export function partUnder(text: string, heading: string): string {
  const lines = text.split("\n");
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`there is no heading '${heading}'`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line));
  return rest.slice(0, end < 0 ? rest.length : end).join("\n");
}
