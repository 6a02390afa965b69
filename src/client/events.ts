// Typed events of clients, producers and consumers, for those who watch. Leaves to others: when they happen.

import { checkCallback, checkChoice } from "./argument-check.js";

/** The arguments of each event, by name. */
type EventArguments<Map> = Record<keyof Map, readonly unknown[]>;

/** Called with the arguments of an event. */
export type Listener<Arguments extends readonly unknown[]> = (...args: Arguments) => void;

export class Events<Map extends EventArguments<Map>> {
  readonly #names: readonly (keyof Map & string)[];
  readonly #listeners: { [Name in keyof Map]?: Set<Listener<Map[Name]>> } = {};

  constructor(names: readonly (keyof Map & string)[]) {
    this.#names = names;
  }

  /** Adds a listener, and returns a function that removes it. Throws INVALID_CONFIG for an unknown event. */
  on<Name extends keyof Map & string>(name: Name, listener: Listener<Map[Name]>): () => void {
    checkChoice("event", name, this.#names);
    checkCallback(`the listener of '${name}'`, listener);
    this.#listeners[name] ??= new Set();
    const listeners: Set<Listener<Map[Name]>> = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Whether anybody listens, for events that cost something to describe. */
  has(name: keyof Map): boolean {
    return (this.#listeners[name]?.size ?? 0) > 0;
  }

  emit<Name extends keyof Map>(name: Name, ...args: Map[Name]): void {
    const listeners = this.#listeners[name];
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        listener(...args);
      } catch (error) {
        // A listener watches; its fault is the program's, like that of a timer, and never that of the client's work.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
