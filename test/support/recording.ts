// Records what happens on a page as an animated image: screenshots in quick succession, joined by ffmpeg.
// Leaves to others: what happens (screenshots.ts).
import { join } from "node:path";
import type { BrowserPage } from "./browser.js";
import { tempDir } from "./tmp.js";

/** The program that joins the pictures; undefined if not installed. */
export const FFMPEG: string | undefined = process.env.FFMPEG ?? Bun.which("ffmpeg") ?? undefined;

/** Pictures per second of the result. */
const RATE = 8;

/** Colours of the result: few, because the page has few, and the file is to be small. */
const COLOURS = 96;

/** Takes pictures of `page` while `act` goes on, and writes them to `path`, a GIF. */
export async function recordPage(
  page: BrowserPage,
  path: string,
  ffmpeg: string,
  act: () => Promise<void>,
): Promise<void> {
  using directory = tempDir();
  const list: string[] = [];
  let isOver = false;
  const pictures = (async () => {
    while (!isOver) {
      const beganMs = performance.now();
      const file = join(directory.path, `${list.length}.png`);
      await Bun.write(file, await page.screenshot());
      await Bun.sleep(Math.max(0, 1000 / RATE - (performance.now() - beganMs)));
      list.push(`file '${file}'\nduration ${(performance.now() - beganMs) / 1000}\n`);
    }
  })();
  await act();
  isOver = true;
  await pictures;
  const index = join(directory.path, "list.txt");
  await Bun.write(index, list.join(""));
  const filter = `fps=${RATE},split[a][b];[a]palettegen=max_colors=${COLOURS}:stats_mode=diff[p];[b][p]paletteuse=dither=none:diff_mode=rectangle`;
  const input = ["-loglevel", "error", "-f", "concat", "-safe", "0", "-i", index];
  const made = Bun.spawnSync([ffmpeg, "-y", ...input, "-vf", filter, path]);
  if (!made.success) throw new Error(`ffmpeg has failed: ${made.stderr}`);
}
