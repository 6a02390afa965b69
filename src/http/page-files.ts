// The files of the page: a document, its script and its style sheet. `Bun.serve` answers an imported HTML file itself,
// for every client and method. So the files are fetched once from a server that only this process can reach, and kept
// in memory. Leaves to others: who may request them (request-guard.ts), and their content (page/).
import page from "./page/index.html";

interface PageFile {
  readonly body: ArrayBuffer;
  readonly headers: Readonly<Record<string, string>>;
}

export class PageFiles {
  #loading: Promise<ReadonlyMap<string, PageFile>> | undefined;

  /** Answers with the file at a path of the page, or 404. */
  async answer(path: string): Promise<Response> {
    this.#loading ??= load();
    const file = (await this.#loading).get(path);
    if (file === undefined) return new Response("not found\n", { status: 404 });
    return new Response(file.body, { headers: file.headers });
  }
}

/** Fetches the page and the files it refers to. When run from source, this bundles them. */
async function load(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, development: false },
    routes: { "/": page },
    fetch: () => new Response(null, { status: 404 }),
  });
  const take = async (path: string): Promise<ArrayBuffer> => {
    const response = await fetch(new URL(path, server.url));
    if (!response.ok)
      throw new Error(`fetching the page's file ${path} failed with status ${response.status}`);
    const body = await response.arrayBuffer();
    const headers = {
      "content-type": response.headers.get("content-type") ?? "application/octet-stream",
      "cache-control": path === "/" ? "no-cache" : "public, max-age=31536000, immutable",
      "content-security-policy": "frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
    };
    files.set(path, { body, headers });
    return body;
  };
  try {
    const html = new TextDecoder().decode(await take("/"));
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) await take(path ?? "");
  } finally {
    await server.stop(true);
  }
  return files;
}
