// The files of the page: one document, its script and its style. `Bun.serve` answers an imported HTML file itself, to
// everybody and for every method, so it is asked for the files once, by a server that only this process reaches, and
// they are kept in memory. Leaves to others: to whom they are given (request-guard.ts), and what is in them (page/).
import page from "./page/index.html";

/** A file as it is answered. */
interface PageFile {
  readonly body: ArrayBuffer;
  readonly headers: Readonly<Record<string, string>>;
}

export class PageFiles {
  #loading: Promise<ReadonlyMap<string, PageFile>> | undefined;

  /** The file at a path of the page; 404 for any other path. */
  async answer(path: string): Promise<Response> {
    this.#loading ??= load();
    const file = (await this.#loading).get(path);
    if (file === undefined) return new Response("there is nothing here\n", { status: 404 });
    return new Response(file.body, { headers: file.headers });
  }
}

/** Asks a server for the page and for what it refers to. From the source, that is when it is bundled. */
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
      throw new Error(`the page's file ${path} is answered with ${response.status}`);
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
