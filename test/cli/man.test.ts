// `rustlog man`: the page names every command and option, and roff has nothing to complain about.
import { expect, test } from "bun:test";
import { run } from "./rustlog.js";
import { runHere } from "./run-here.js";

const { stdout: page } = await run(["man"], { env: { SOURCE_DATE_EPOCH: "86400" } });

/** Text as the page has it. */
function inRoff(text: string): string {
  return text.replaceAll("-", "\\-");
}

test("the page has every command, with the options of its --help", async () => {
  const { stdout: help } = await runHere(["--help"]);
  const names = [...help.matchAll(/^ {2}([a-z]+)[ |]/gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names.filter((it) => it !== "help" && it !== "rustlog")) {
    expect(page).toContain(`.SS rustlog ${name} `);
  }
  for (const command of [["broker"], ["consume"], ["topics", "create"], ["groups", "seek"]]) {
    const text = (await runHere([...command, "--help"])).stdout;
    const start = page.indexOf(`.SS rustlog ${command.join(" ")} `);
    const part = page.slice(start, page.indexOf("\n.S", start + 1));
    const flags = [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag!);
    const own = flags.filter((flag) => !["--help", "--quiet", "--no-color"].includes(flag));
    expect(own.length).toBeGreaterThan(3);
    expect(own.filter((flag) => !part.includes(inRoff(flag)))).toEqual([]);
    expect(part).toContain("Example");
  }
});

test("the page begins with its name, section and date", () => {
  expect(page).toMatch(/^\.TH RUSTLOG 1 1970-01-02 "rustlog [\d.]+" "User Commands"\n/);
  expect(page).toContain("Other names: \\fBls\\fR.");
});

test("text that means something to roff is escaped", () => {
  for (const line of page.split("\n")) {
    // A request, or text that can't be taken for one, with known escapes only.
    expect(line).toMatch(/^(?:\.[A-Z]{1,2}|\.(?:nf|fi|nh|ad)|[^.'])|^$/);
    expect(
      line.replaceAll(/\\(?:f[BIR]|-|e|&|\((?:aq|ga|ha|ti)|\[u[0-9A-F]+\])/g, ""),
    ).not.toContain("\\");
  }
});

test.skipIf(Bun.which("groff") === null)("groff renders the page without a warning", async () => {
  const child = Bun.spawn(["groff", "-man", "-Tutf8", "-ww"], {
    ...{ stdin: Buffer.from(page), stdout: "pipe", stderr: "pipe" },
  });
  const [text, warnings] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(warnings).toBe("");
  expect(text).toContain("RUSTLOG(1)");
  expect(await child.exited).toBe(0);
});

test.skipIf(Bun.which("mandoc") === null)("mandoc accepts the page without a warning", async () => {
  const child = Bun.spawn(["mandoc", "-T", "lint", "-W", "warning"], {
    ...{ stdin: Buffer.from(page), stdout: "pipe" },
  });
  expect(await new Response(child.stdout).text()).toBe("");
  expect(await child.exited).toBe(0);
});
