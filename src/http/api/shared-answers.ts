// Answers under way, for all who ask the same meanwhile: however many they are, it costs as much as one.
// Leaves to others: keeping answers that took long (recent-answers.ts), one question at a time (queue.ts).

export class SharedAnswers<Answer> {
  readonly #underWay = new Map<string, Promise<Answer>>();

  /** The answer to a question, which `key` must tell from all others, with whom it is for. */
  get(key: string, work: () => Promise<Answer>): Promise<Answer> {
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    const answer = work().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, answer);
    return answer;
  }
}
