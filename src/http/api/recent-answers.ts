// Answers that took long, for the other pages that ask the same: ten pages with one list cost as much as one.
// Leaves to others: one answer at a time (queue.ts).

/** How long an answer is good, as a multiple of what it took. */
const FRESH_FACTOR = 20;
const FRESH_MS_MAX = 10_000;

/** An answer that took less is not worth it. */
const TOOK_MS_MIN = 20;

const ANSWERS_MAX = 20;

interface Recent<Answer> {
  readonly answer: Answer;
  readonly untilMs: number;
}

export class RecentAnswers<Answer> {
  readonly #answers = new Map<string, Recent<Answer>>();
  readonly #nowMs: () => number;
  #changes = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** The answer to a question, which `key` must tell from all others, with whom it is for. */
  async get(key: string, work: () => Promise<Answer>): Promise<Answer> {
    const beganMs = this.#nowMs();
    const known = this.#answers.get(key);
    if (known !== undefined && known.untilMs > beganMs) return known.answer;
    this.#answers.delete(key);
    const changesBefore = this.#changes;
    const answer = await work();
    const nowMs = this.#nowMs();
    const tookMs = nowMs - beganMs;
    // During a change, it may be an answer from before.
    if (tookMs < TOOK_MS_MIN || this.#changes !== changesBefore) return answer;
    const untilMs = nowMs + Math.min(FRESH_MS_MAX, FRESH_FACTOR * tookMs);
    this.#answers.set(key, { answer, untilMs });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= ANSWERS_MAX) break;
      this.#answers.delete(oldest);
    }
    return answer;
  }

  /** After a change, the answers are others. */
  clear(): void {
    this.#changes++;
    this.#answers.clear();
  }
}
