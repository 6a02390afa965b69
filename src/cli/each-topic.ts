// Does the same for several topics: a failure of one does not keep the others from it.
// Leaves to others: what is done (topics-create.ts, topics-delete.ts).
import { type ErrorName, RustLogError } from "../errors.js";
import { describeFailure, EXIT, printError } from "./exit.js";
import { writeJson } from "./output.js";

interface Failed {
  readonly name: string;
  readonly error: ErrorName;
}

/** Errors that the next topic would have, too. */
const OF_ALL_TOPICS: ReadonlySet<ErrorName> = new Set(["CONNECTION_LOST", "TIMED_OUT"]);

/** What was done for each topic. */
export class EachTopic<Done extends object> {
  readonly #names: readonly string[];
  readonly #rows: (Done | Failed)[] = [];
  #hasFailed = false;

  /** A name that is repeated counts once. */
  constructor(names: readonly string[]) {
    this.#names = [...new Set(names)];
  }

  /** Runs `act` for each topic. Prints its failures; throws the failure of a single topic, and one of the connection. */
  async run(act: (name: string) => Promise<Done>): Promise<void> {
    for (const name of this.#names) {
      try {
        this.#rows.push(await act(name));
      } catch (error) {
        const isOfTopic = error instanceof RustLogError && !OF_ALL_TOPICS.has(error.code);
        if (!isOfTopic || this.#names.length === 1) throw error;
        printError(`rustlog: ${describeFailure(error)}`);
        this.#rows.push({ name, error: error.code });
        this.#hasFailed = true;
      }
    }
  }

  /** Prints one object for a single topic, and an array for several. */
  async printJson(): Promise<void> {
    await writeJson(this.#names.length === 1 ? this.#rows[0] : this.#rows);
  }

  /** Ends the process if a topic has failed. */
  exitIfFailed(): void {
    if (this.#hasFailed) process.exit(EXIT.failed);
  }
}
