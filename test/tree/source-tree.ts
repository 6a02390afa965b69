// The source tree as text: its files, what they import, what they export; and the documents beside it.
// Leaves to others: what must hold of them (tree.test.ts, documents.test.ts).
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

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)"(\.[^"]+)"/g);
  return [...found].flatMap(([, target]) => {
    const imported = normalize(join(dirname(path), target ?? ""));
    return imported.endsWith(".html") ? scriptsOf(imported) : [imported];
  });
}

/** The scripts of a web page, which whoever imports the page imports with it. */
function scriptsOf(path: string): string[] {
  const found = readFileSync(join(ROOT, "src", path), "utf8").matchAll(/\bsrc="(\.[^"]+)"/g);
  return [...found].map(([, target]) => normalize(join(dirname(path), target ?? "")));
}

/** Exported declarations of a text that have no doc comment right above them, as `line: name`. */
export function undocumentedExports(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, i) => {
    const declared =
      /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let|enum) (\w+)/.exec(
        line,
      );
    if (declared === null || (lines[i - 1] ?? "").trimEnd().endsWith("*/")) return [];
    return [`${i + 1}: ${declared[1]}`];
  });
}

/** Public methods, accessors and constructors' classes of a text that have no doc comment, as `line: name`. */
export function undocumentedMethods(text: string): string[] {
  const lines = text.split("\n");
  let inPublicClass = false;
  return lines.flatMap((line, i) => {
    if (/^(?:export )?(?:abstract )?class /.test(line)) inPublicClass = line.startsWith("export");
    else if (line === "}") inPublicClass = false;
    // `override` and what an interface asks for is documented there.
    const method = /^ {2}(?:static )?(?:async )?(?:get )?\*?([a-z]\w*)(?:<[^>]*>)?\(/.exec(line);
    if (!inPublicClass || method === null || method[1] === "constructor") return [];
    const before = (lines[i - 1] ?? "").trim();
    if (before.endsWith("*/") || implementsSomething(lines, i)) return [];
    return [`${i + 1}: ${method[1]}`];
  });
}

function implementsSomething(lines: readonly string[], at: number): boolean {
  for (let i = at; i >= 0; i--) {
    const head = /^(?:export )?(?:abstract )?class .*/.exec(lines[i] ?? "");
    if (head !== null) return head[0].includes(" implements ");
  }
  return false;
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
