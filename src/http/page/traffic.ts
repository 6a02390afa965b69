// Bytes per second over the last minute, as two small curves and two numbers.
import { element, setText } from "./parts/dom.js";
import { formatBytes } from "./parts/format.js";
import type { Rate } from "./model.js";
import { theme } from "./parts/theme.js";

const WIDTH = 180;
const HEIGHT = 28;

/** Points of a curve; fewer are right-aligned. */
const POINTS = 120;

export class Traffic {
  readonly #canvas = element("canvas", {
    role: "img",
    "aria-label": "Throughput of the last minute, all connections",
  });
  readonly #received = element("span", { class: "received" });
  readonly #sent = element("span", { class: "sent" });

  constructor(root: HTMLElement) {
    const pixels = devicePixelRatio;
    this.#canvas.width = WIDTH * pixels;
    this.#canvas.height = HEIGHT * pixels;
    this.#canvas.getContext("2d")?.setTransform(pixels, 0, 0, pixels, 0, 0);
    root.append(this.#canvas, element("p", {}, this.#received, this.#sent));
  }

  /** Shows the rates, newest last. */
  show(rates: readonly Rate[]): void {
    const last = rates.at(-1);
    setText(this.#received, `in ${formatBytes(last?.received ?? 0)}/s`);
    setText(this.#sent, `out ${formatBytes(last?.sent ?? 0)}/s`);
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    const most = Math.max(...rates.flatMap(({ received, sent }) => [received, sent]));
    this.#canvas.classList.toggle("idle", !(most > 0));
    const top = Math.max(1024, most);
    const colours = theme();
    context.clearRect(0, 0, WIDTH, HEIGHT);
    const curve = (colour: string, rateOf: (rate: Rate) => number): void => {
      context.beginPath();
      for (const [i, rate] of rates.entries()) {
        const x = WIDTH - ((rates.length - 1 - i) / (POINTS - 1)) * WIDTH;
        const y = HEIGHT - 2 - (rateOf(rate) / top) * (HEIGHT - 4);
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.stroke();
      context.lineTo(WIDTH, HEIGHT);
      context.lineTo(WIDTH - ((rates.length - 1) / (POINTS - 1)) * WIDTH, HEIGHT);
      context.globalAlpha = 0.18;
      context.fillStyle = colour;
      context.fill();
      context.globalAlpha = 1;
    };
    curve(colours.received, ({ received }) => received);
    curve(colours.sent, ({ sent }) => sent);
  }
}
