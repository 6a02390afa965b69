// Fetches the clients from their registries, builds what must be built, and keeps the result outside the tree. What is
// kept belongs to the files that it was made of: other contents are another folder.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** Where programs and manifests of the clients are. */
export const CLIENTS_DIR = join(import.meta.dir, "clients");

/** Long enough for a build of librdkafka; a registry that does not answer must not hold up the others for ever. */
const STEP_MS = 10 * 60_000;

/** A client that can't be used on this machine, and why. */
export class NotInstalled extends Error {
  override name = "NotInstalled";
}

/** What to fetch or build. */
export interface Install {
  readonly name: string;
  /** Files under `clients/` that decide the result. */
  readonly from: readonly string[];
  /** Anything else that decides it, such as a version. */
  readonly version?: string;
  /** Programs that it needs. */
  readonly needs: readonly string[];
  /** The commands that fill `dir`, run one after another in `cwd` (by default `clients/`). */
  readonly steps: (dir: string) => readonly Step[];
}

export interface Step {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Compiles our own program: a failure is ours, and not the machine's. */
  readonly isOurs?: true;
}

/** The folder with what was fetched: RUSTLOG_CLIENTS_CACHE, or `rustlog-clients` in the user's cache. */
export function cacheDir(): string {
  const { RUSTLOG_CLIENTS_CACHE: chosen, XDG_CACHE_HOME: caches } = process.env;
  return chosen ?? join(caches ?? join(homedir(), ".cache"), "rustlog-clients");
}

/** Fetches and builds a client unless that was done before. Resolves with its folder, or throws `NotInstalled`. */
export async function install({ name, from, version, needs, steps }: Install): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256").update(version ?? "");
  for (const file of from) hash.update(readFileSync(join(CLIENTS_DIR, file)));
  const dir = join(cacheDir(), `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(dir)) return dir;
  const missing = needs.filter((program) => Bun.which(program) === null);
  if (missing.length > 0) throw new NotInstalled(`${missing.join(" and ")} not found`);
  const partial = `${dir}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    for (const step of steps(partial)) await runStep(step);
    // Another run may have been quicker.
    if (!existsSync(dir)) renameSync(partial, dir);
    return dir;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function runStep({ command, cwd = CLIENTS_DIR, env = {}, isOurs }: Step): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: STEP_MS,
    killSignal: "SIGKILL",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) === 0) return;
  const lines = stripVTControlCharacters(`${errors}\n${output}`).split("\n").filter(Boolean);
  const reason = lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "no output";
  const message = `\`${command.slice(0, 4).join(" ")}\` failed: ${reason.slice(0, 300)}`;
  throw isOurs ? new Error(message) : new NotInstalled(message);
}
