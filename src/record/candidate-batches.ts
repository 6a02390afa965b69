// The positions of a file where a batch may start, in ascending order, for a search.
// Leaves to others: finding and settling them (batch-search.ts).
//
// They are kept in ring buffers of numbers, because a hostile file can have millions.

import { firstNotBefore } from "../binary-search.js";

export const NO_CANDIDATE = -1;

const CAPACITY_MIN = 1024;

/** A queue of candidates, numbered from 0 in the order in which they were added. */
export class CandidateBatches {
  /** Number of the first candidate, and of the next one to be added. */
  first = 0;
  end = 0;
  #positions = new Float64Array(CAPACITY_MIN);
  #sizes = new Uint32Array(CAPACITY_MIN);
  #values = new Uint32Array(CAPACITY_MIN);
  #links = new Int32Array(CAPACITY_MIN);

  add(position: number, bytes: number): void {
    if (this.end - this.first === this.#positions.length) this.#grow();
    const slot = this.#slot(this.end++);
    this.#positions[slot] = position;
    this.#sizes[slot] = bytes;
    this.#links[slot] = NO_CANDIDATE;
  }

  dropBefore(position: number): void {
    while (this.first < this.end && this.positionOf(this.first) < position) this.first++;
  }

  /** The candidate that starts at `position`, or NO_CANDIDATE. */
  at(position: number): number {
    const { first, end } = this;
    const found = first + firstNotBefore(end - first, (i) => this.positionOf(first + i) < position);
    return found < end && this.positionOf(found) === position ? found : NO_CANDIDATE;
  }

  positionOf(candidate: number): number {
    return this.#positions[this.#slot(candidate)]!;
  }

  /** End position, according to its header. */
  endOf(candidate: number): number {
    const slot = this.#slot(candidate);
    return this.#positions[slot]! + this.#sizes[slot]!;
  }

  /** The CRC that the search has stored for it. */
  valueOf(candidate: number): number {
    return this.#values[this.#slot(candidate)]!;
  }

  setValue(candidate: number, value: number): void {
    this.#values[this.#slot(candidate)] = value;
  }

  linkOf(candidate: number): number {
    return this.#links[this.#slot(candidate)]!;
  }

  setLink(candidate: number, other: number): void {
    this.#links[this.#slot(candidate)] = other;
  }

  #slot(candidate: number): number {
    return candidate & (this.#positions.length - 1);
  }

  #grow(): void {
    const { first, end } = this;
    const capacity = 2 * this.#positions.length;
    const positions = new Float64Array(capacity);
    const sizes = new Uint32Array(capacity);
    const values = new Uint32Array(capacity);
    const links = new Int32Array(capacity);
    for (let candidate = first; candidate < end; candidate++) {
      const from = this.#slot(candidate);
      const to = candidate & (capacity - 1);
      positions[to] = this.#positions[from]!;
      sizes[to] = this.#sizes[from]!;
      values[to] = this.#values[from]!;
      links[to] = this.#links[from]!;
    }
    this.#positions = positions;
    this.#sizes = sizes;
    this.#values = values;
    this.#links = links;
  }
}
