// The files of the page: two documents, for those who may see the page and for those who first have to log in, the scripts and
// style sheets that they name, and the script of the worker that pages share. `Bun.serve` answers an imported HTML file
// itself, for every client and method. So the files are fetched once from a server that only this process can reach, and kept
// in memory.
// Leaves to others: who may request them (access.ts), and their content (page/).
import page from "../page/index.html";
import login from "../page/login.html";
import worker from "../page/events-worker.html";

interface PageFile {
  readonly body: ArrayBuffer;
  readonly type: string;
  /** What a browser lets it do, if that is not up to the document that uses it. */
  readonly policy?: string;
}

type DocumentFiles = ReadonlyMap<string, PageFile>;

interface AllFiles {
  readonly page: DocumentFiles;
  readonly login: DocumentFiles;
}

/** What a browser lets the documents do: use the files and the answers from here, and nothing else. */
const ONLY_OURS =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; frame-ancestors 'none'";
const PAGE_POLICY = `${ONLY_OURS}; form-action 'none'`;
const LOGIN_POLICY = `${ONLY_OURS}; form-action 'self'`;

/** Where the form shows why a login failed. */
const SAID = '<p class="failure" role="alert">';

/** The field for the user. */
const USER = 'name="user"';

/** Where the page finds the script of the worker. */
const WORKER = '<meta name="events-worker" content="';

export class PageFiles {
  #loading: Promise<AllFiles> | undefined;

  /** Answers with the page. */
  async page(): Promise<Response> {
    const { body, type } = (await this.#load()).page.get("/")!;
    const headers = { "content-type": type, "content-security-policy": PAGE_POLICY };
    return new Response(body, { headers });
  }

  /** Answers with the form to log in, and what it says. */
  async login(status = 200, said = "", user = ""): Promise<Response> {
    const { body, type } = (await this.#load()).login.get("/")!;
    const html = new TextDecoder()
      .decode(body)
      .replace(SAID, `${SAID}${said}`)
      // A function: in a text, `$&` would have a meaning.
      .replace(USER, () => `${USER} value="${Bun.escapeHTML(user)}"`);
    const headers = { "content-type": type, "content-security-policy": LOGIN_POLICY };
    return new Response(html, { status, headers });
  }

  /** Answers with a file that the form needs; undefined if it needs no such file. */
  async loginFile(path: string): Promise<Response | undefined> {
    return answerOf((await this.#load()).login.get(path));
  }

  /** Answers with a file that the page needs; undefined if it needs no such file. */
  async pageFile(path: string): Promise<Response | undefined> {
    return answerOf((await this.#load()).page.get(path));
  }

  #load(): Promise<AllFiles> {
    this.#loading ??= load();
    return this.#loading;
  }
}

/** The name of such a file changes with its content. */
function answerOf(file: PageFile | undefined): Response | undefined {
  if (file === undefined) return undefined;
  const { body, type, policy } = file;
  const headers = new Headers({ "content-type": type });
  headers.set("cache-control", "private, max-age=31536000, immutable");
  if (policy !== undefined) headers.set("content-security-policy", policy);
  return new Response(body, { headers });
}

/** The scripts that a minified script imports, at once or when they are needed. */
const SCRIPT_NAMES = /\b(?:from|import)\(?"(\/[\w.-]+\.js)"/g;

function namesIn({ body }: PageFile, pattern: RegExp): string[] {
  return [...new TextDecoder().decode(body).matchAll(pattern)].map(([, name = ""]) => name);
}

/** Fetches the documents and the files they refer to. When run from source, this bundles them. */
async function load(): Promise<AllFiles> {
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, development: false },
    routes: { "/": page, "/login": login, "/worker": worker },
    fetch: () => new Response(null, { status: 404 }),
  });
  const take = async (path: string): Promise<PageFile> => {
    const response = await fetch(new URL(path, server.url));
    if (!response.ok)
      throw new Error(`fetching the page's file ${path} failed with status ${response.status}`);
    const type = response.headers.get("content-type") ?? "application/octet-stream";
    return { body: await response.arrayBuffer(), type };
  };
  const takeDocument = async (path: string): Promise<DocumentFiles> => {
    const html = await take(path);
    const files = new Map([["/", html]]);
    const due = namesIn(html, /(?:src|href)="(\/[^"]+)"/g);
    for (const name of due) {
      if (files.has(name)) continue;
      const file = await take(name);
      files.set(name, file);
      if (name.endsWith(".js")) due.push(...namesIn(file, SCRIPT_NAMES));
    }
    return files;
  };
  try {
    const [ofPage, ofLogin] = [await takeDocument("/"), await takeDocument("/login")];
    return { page: withWorker(ofPage, await takeDocument("/worker")), login: ofLogin };
  } finally {
    await server.stop(true);
  }
}

/** The files of the page and of its worker, which is named in the page. */
function withWorker(pageFiles: DocumentFiles, workerFiles: DocumentFiles): DocumentFiles {
  const [, script = ""] = workerFiles.keys();
  const html = pageFiles.get("/")!;
  const text = new TextDecoder().decode(html.body).replace(WORKER, `${WORKER}${script}`);
  const body = new TextEncoder().encode(text).buffer;
  return new Map([
    ...workerFiles,
    ...pageFiles,
    [script, { ...workerFiles.get(script)!, policy: ONLY_OURS }],
    ["/", { ...html, body }],
  ]);
}
