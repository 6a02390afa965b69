// The style sheet: what a view styles is its own, so that no view changes another by a class of the same name, and colours,
// sizes of text, spaces and corners come from the tokens only.
import { expect, test } from "bun:test";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "../../../src/http/page/style");
const files = new Map<string, string>();
for (const name of new Bun.Glob("*.css").scanSync(FOLDER)) {
  const text = await Bun.file(join(FOLDER, name)).text();
  files.set(name, text.replaceAll(/\/\*.*?\*\//gs, ""));
}

/** The first class or id of each selector. */
function leadersOf(text: string): Set<string> {
  const selectors = [...text.matchAll(/([^{};]+)\{/g)].flatMap(([, list = ""]) => list.split(","));
  return new Set(selectors.flatMap((selector) => /[.#][\w-]+/.exec(selector)?.[0] ?? []));
}

test("no two files style the same class", () => {
  const filesOf = new Map<string, string[]>();
  for (const [name, text] of files) {
    // The form to log in is a page of its own, and elements are common to all.
    if (name === "login.css" || name === "base.css") continue;
    for (const leader of leadersOf(text)) {
      filesOf.set(leader, [...(filesOf.get(leader) ?? []), name]);
    }
  }
  expect([...filesOf].filter(([, names]) => names.length > 1)).toEqual([]);
});

test("colours are tokens", () => {
  const wrong = [...files].flatMap(([name, text]) =>
    name === "tokens.css"
      ? []
      : [...text.matchAll(/#[0-9a-f]{3,8}\b(?=[^{}]*;)/gi)].map(([colour]) => `${name}: ${colour}`),
  );
  expect(wrong).toEqual([]);
});

test("sizes of text, spaces and corners are tokens", () => {
  const wrong = [...files].flatMap(([name, text]) => {
    const declarations =
      name === "tokens.css"
        ? []
        : text.matchAll(
            /[\s;{]((?:font|padding|margin|gap|[\w-]+-gap|border[\w-]*radius)[\w-]*: [^;{}]+);/g,
          );
    return [...declarations]
      .map(([, declaration = ""]) => declaration)
      .filter((declaration) => /\d(?:px|r?em|ch|pt)\b/.test(declaration))
      .map((declaration) => `${name}: ${declaration}`);
  });
  expect(wrong).toEqual([]);
});
