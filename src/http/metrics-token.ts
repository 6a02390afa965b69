// The tokens that a monitoring system authenticates with: the lines of a file, so that one can be replaced without a gap.
// The file is read again after it has changed.
// Leaves to others: what a token permits (monitoring.ts).
import { readFileSync, statSync } from "node:fs";
import { clockMs } from "../clock.js";
import { LogLimit } from "../net/log-limit.js";
import { isSameSecret } from "./api/sessions.js";

/** Fewer characters could be guessed. */
const TOKEN_LENGTH_MIN = 16;

/** A file that is larger is not one of tokens. */
const TOKEN_FILE_BYTES_MAX = 16 * 1024;

/** Time between two looks at whether the file has changed, in milliseconds. */
const TOKEN_CHECK_MS = 1_000;

export class MetricsTokens {
  readonly #path: string;
  readonly #log: LogLimit;
  readonly #nowMs: () => number;
  #tokens: readonly string[];
  /** What tells that the file is the one that was read. */
  #version: string;
  #checkedMs: number;

  /** Reads the file. Throws an error that names it. */
  constructor(path: string, log: (line: string) => void, nowMs: () => number = clockMs) {
    this.#path = path;
    this.#log = new LogLimit(log);
    this.#nowMs = nowMs;
    this.#version = versionOf(path);
    this.#tokens = tokensIn(path);
    this.#checkedMs = nowMs();
  }

  /** Whether a request carries one of the tokens. */
  accepts({ headers }: Request): boolean {
    this.#readAgain();
    const given = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (given === undefined) return false;
    let isAccepted = false;
    for (const token of this.#tokens) isAccepted = isSameSecret(given, token) || isAccepted;
    return isAccepted;
  }

  /** A file that can't be used any more permits nothing: perhaps it was removed for that. */
  #readAgain(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#checkedMs < TOKEN_CHECK_MS) return;
    this.#checkedMs = nowMs;
    try {
      const version = versionOf(this.#path);
      if (version === this.#version) return;
      this.#tokens = tokensIn(this.#path);
      this.#version = version;
    } catch (error) {
      this.#tokens = [];
      this.#version = "";
      const why = error instanceof Error ? error.message : String(error);
      this.#log.line("token", `no token for metrics is accepted: ${why}`);
    }
  }
}

function versionOf(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    if (size > TOKEN_FILE_BYTES_MAX) throw new Error("it is too large");
    return [ino, size, mtimeMs, ctimeMs].join();
  } catch (error) {
    throw unusable(path, error);
  }
}

function tokensIn(path: string): readonly string[] {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw unusable(path, error);
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const tokens = lines.filter((line) => line !== "");
  if (tokens.length === 0) throw unusable(path, new Error("it is empty"));
  if (tokens.some((token) => token.length < TOKEN_LENGTH_MIN || /\s/.test(token))) {
    const message = `each line has to be a token of at least ${TOKEN_LENGTH_MIN} characters without spaces`;
    throw unusable(path, new Error(message));
  }
  return tokens;
}

function unusable(path: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Error(`--metrics-token-file ${path}: ${why}`);
}
