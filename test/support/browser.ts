// A headless Chromium, driven over a WebSocket by the part of the DevTools protocol that the tests of the page need.
// Leaves to others: the steps on a page, and machines without Chromium.
import { tempDir } from "./tmp.js";

/** The executable; undefined if not installed. */
export const CHROMIUM: string | undefined =
  process.env.CHROMIUM ?? Bun.which("chromium") ?? Bun.which("chromium-browser") ?? undefined;

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
  ...["--remote-debugging-port=0", "--disable-background-networking", "--hide-scrollbars"],
];

/** Longest wait for something on a page, in milliseconds. Only a failing test waits this long. */
const WAIT_MS_MAX = 30_000;

const ENDED = "the browser has ended";

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Display settings of a page. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly isDark?: boolean;
  readonly isStill?: boolean;
}

/** A running browser. */
export class Browser implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #directory: ReturnType<typeof tempDir>;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  readonly #listeners = new Map<string, (message: Message) => void>();
  #lastId = 0;

  private constructor(
    process: Bun.Subprocess<"ignore", "ignore", "pipe">,
    directory: ReturnType<typeof tempDir>,
    socket: WebSocket,
  ) {
    this.#process = process;
    this.#directory = directory;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#received(JSON.parse(String(data)) as Message);
    socket.onclose = () => this.#ended();
  }

  /** Starts one. */
  static async start(executable: string): Promise<Browser> {
    const directory = tempDir();
    const command = [executable, ...FLAGS, `--user-data-dir=${directory.path}`, "about:blank"];
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const address = await addressIn(child.stderr);
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Browser(child, directory, socket);
  }

  /** Opens a page, and waits until it is loaded. */
  async open(url: string, screen: Screen): Promise<BrowserPage> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const attached = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new BrowserPage(this, String(attached.sessionId));
    this.#listeners.set(String(attached.sessionId), (message) => page.received(message));
    await page.prepare(screen);
    await page.send("Page.navigate", { url });
    await page.until("document.readyState === 'complete'");
    return page;
  }

  /** Sends a command, to the browser or to a page of it; resolves with its result. */
  send(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error(ENDED));
    const id = ++this.#lastId;
    const pending = Promise.withResolvers<Record<string, unknown>>();
    this.#pending.set(id, pending);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return pending.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.send("Browser.close").catch(() => {});
    this.#socket.close();
    await this.#process.exited;
    this.#directory[Symbol.dispose]();
  }

  /** Fails what waits for an answer: Bun kills the browser when a test is over its time. */
  #ended(): void {
    for (const { reject } of this.#pending.values()) reject(new Error(ENDED));
    this.#pending.clear();
  }

  #received(message: Message): void {
    const { id, result, error, sessionId } = message;
    if (id === undefined) {
      if (sessionId !== undefined) this.#listeners.get(sessionId)?.(message);
      return;
    }
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(result ?? {});
    else pending?.reject(new Error(error.message));
  }
}

/** One page. */
export class BrowserPage {
  readonly #browser: Browser;
  readonly #session: string;
  /** Errors, exceptions and violations of the Content-Security-Policy on the page. */
  readonly complaints: string[] = [];
  /** Take events of the protocol, by name. */
  readonly listeners = new Map<string, (params: Readonly<Record<string, unknown>>) => void>();

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  /** Sends a command of the protocol. */
  send(method: string, params: Readonly<Record<string, unknown>> = {}) {
    return this.#browser.send(method, params, this.#session);
  }

  /** Sets the display of the page. */
  async prepare(screen: Screen): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
    await this.show(screen);
  }

  /** Changes the display of the page. */
  async show({ width, height, isDark = false, isStill = true }: Screen): Promise<void> {
    const mobile = width < 500;
    const metrics = { width, height, deviceScaleFactor: 1, mobile };
    await this.send("Emulation.setDeviceMetricsOverride", metrics);
    const features = [
      { name: "prefers-color-scheme", value: isDark ? "dark" : "light" },
      { name: "prefers-reduced-motion", value: isStill ? "reduce" : "no-preference" },
    ];
    await this.send("Emulation.setEmulatedMedia", { features });
  }

  /** The value of an expression in the page. Awaits a promise. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    const { result, exceptionDetails } = answer as {
      result: { value: Value };
      exceptionDetails?: unknown;
    };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string): Promise<void> {
    const deadlineMs = Date.now() + WAIT_MS_MAX;
    // While another document is being loaded, nothing is true.
    const isTrue = (): Promise<boolean> =>
      this.evaluate<boolean>(`Boolean(${expression})`).catch((error: Error) => {
        if (/navigated|Not attached|context/.test(error.message)) return false;
        throw error;
      });
    while (!(await isTrue())) {
      if (Date.now() > deadlineMs) throw new Error(`never true: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The text of the first element that matches a selector. */
  text(selector: string): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);
  }

  /** Presses keys in sequence, by name. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
      const shared = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key] };
      await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...shared, text });
      await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...shared });
    }
  }

  /** Types text into the focused element. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** Clicks on an element, at a part of its width. */
  async click(selector: string, part = 0.5): Promise<void> {
    const { x, y } = await this.evaluate<{ x: number; y: number }>(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "nearest" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left + width * ${part}, y: top + height / 2 };
    })()`);
    const shared = { x, y, button: "left", clickCount: 1 };
    await this.send("Input.dispatchMouseEvent", { type: "mousePressed", ...shared });
    await this.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...shared });
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.send("Page.close");
  }

  /** A screenshot, as PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(String(data), "base64");
  }

  /** Takes an event of the protocol. */
  received({ method = "", params = {} }: Message): void {
    this.listeners.get(method)?.(params);
    const isError = method === "Runtime.consoleAPICalled" && params.type === "error";
    const isLogged = method === "Log.entryAdded" && JSON.stringify(params).includes('"error"');
    // Network errors are expected: a topic may be deleted while its row loads, and a broker may stop.
    if (JSON.stringify(params).includes('"source":"network"')) return;
    if (isError || isLogged || method === "Runtime.exceptionThrown") {
      this.complaints.push(JSON.stringify(params));
    }
  }
}

const KEY_CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  Home: 36,
  End: 35,
  ArrowLeft: 37,
  ArrowRight: 39,
};

async function addressIn(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = stderr.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Chromium has ended: ${text}`);
    text += decoder.decode(value, { stream: true });
    const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
    if (address === undefined) continue;
    reader.releaseLock();
    return address;
  }
}
