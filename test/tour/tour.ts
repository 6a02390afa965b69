// docs/TOUR.md as a program: its commands in order, the output that it shows of each, a run of them in one shell, and the
// time that a reader needs.
// Leaves to others: comparing the two (tour.test.ts), and writing new output into the document (refresh.ts).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, executable, quietPort } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";

const ROOT = join(import.meta.dir, "../..");
/** Where the document is. */
export const TOUR_PATH = join(ROOT, "docs/TOUR.md");
/** The document's ports of the broker and its page. A run uses free ones, because these may be in use. */
const PORTS = ["9192", "9193"] as const;
/** The clone in the document, as in README. A run has its own directory. */
const CLONE = "/home/anna/rustlog";
/** Marks the end of a step's output. */
const END = "\u0001end of step\u0001";

/** A block of commands and the block of output below it, if there is one. */
export interface Step {
  /** The line of the document at which the commands begin. */
  readonly line: number;
  readonly commands: string;
  readonly output: string;
}

/** A block of commands, and what is printed directly below it. */
const STEP = /^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm;

/** Every step of the document, in order. */
export function stepsOf(document: string): Step[] {
  return [...document.matchAll(STEP)].map((match) => ({
    line: document.slice(0, match.index).split("\n").length + 1,
    commands: match[1] ?? "",
    output: match[2] ?? "",
  }));
}

/** The document with the output of each step replaced. */
export function withOutputs(document: string, outputs: readonly string[]): string {
  let i = 0;
  return document.replace(STEP, (_, commands: string) => {
    const output = outputs[i++] ?? "";
    const shown = output === "" ? "" : `\n\`\`\`text\n${output}\`\`\`\n`;
    return `\`\`\`sh\n${commands}\`\`\`\n${shown}`;
  });
}

/** A line of the contents: a link to a chapter, and how long that takes. */
const CONTENTS = /^(\d+\. \[(.+)\]\(#.+?\))(?: \(\d+ min\))?$/gm;

/** The document with the time of each chapter in its contents. */
export function withMinutes(document: string): string {
  const minutes = new Map(
    document.split(/^## (?:\d+\. )?/m).map((chapter) => [firstLine(chapter), minutesOf(chapter)]),
  );
  return document.replace(CONTENTS, (_, link: string, title: string) => {
    return `${link} (${Math.round(minutes.get(title) ?? 0)} min)`;
  });
}

/** How long a part of the document takes: 200 words a minute, and 20 seconds for each command and its output. */
export function minutesOf(part: string): number {
  const text = part
    .replace(STEP, "")
    .replace(CONTENTS, "")
    .replace(/\]\(.+?\)/g, "]");
  const words = text.split(/\s+/).filter((word) => /[a-z\d]/i.test(word));
  const commands = stepsOf(part).reduce((sum, step) => sum + countCommands(step.commands), 0);
  return words.length / 200 + commands / 3;
}

/** A block that defines functions is pasted as a whole. In others each line is a command, but for the inside of a loop. */
function countCommands(block: string): number {
  return /\(\) \{$/m.test(block) ? 1 : (block.match(/^(?! |done).+/gm) ?? []).length;
}

function firstLine(text: string): string {
  return text.slice(0, text.indexOf("\n"));
}

/** The document as it is on disk. */
export function readTour(): string {
  return readFileSync(TOUR_PATH, "utf8");
}

/** Runs all steps in one shell, with its own directory and ports; resolves with the output of each. */
export async function runTour(steps: readonly Step[]): Promise<string[]> {
  using home = tempDir();
  const ports = PORTS.map((port) => ({ port, free: String(quietPort()) }));
  const withFree = (text: string): string =>
    ports.reduce((changed, { port, free }) => changed.replaceAll(port, free), text);
  const script = [
    'ln -s "$BINARY" rustlog; exec 2>&1', // in the document it stands in the clone
    "trap 'kill -9 $(jobs -p) 2> /dev/null' EXIT",
    ...steps.map(({ commands }) => `${withFree(commands)}printf '%s' '${END}'`),
  ].join("\n");
  const child = Bun.spawn(["bash", "-c", script], {
    cwd: home.path,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: environment({ BINARY: await executable(), LC_ALL: "C", COLUMNS: "80" }),
  });
  const printed = await new Response(child.stdout).text();
  await child.exited;
  const shown = ports.reduce(
    (changed, { port, free }) => changed.replaceAll(free, port),
    printed.replaceAll(home.path, CLONE),
  );
  return shown.split(END).slice(0, -1);
}
