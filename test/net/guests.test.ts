import { expect, test } from "bun:test";
import { Guests } from "../../src/net/guests.js";

function guest(address: string) {
  return { client: { address } };
}

test("above half of all connections, the oldest of the address with most guests is closed", () => {
  const guests = new Guests<ReturnType<typeof guest>>();
  const a = [guest("a"), guest("a"), guest("a")];
  const b = guest("b");
  guests.add(b, 0);
  for (const [i, each] of a.entries()) guests.add(each, 1 + i);
  expect(guests.excess(8)).toBeUndefined();
  expect(guests.excess(7)).toBe(a[0]!);
  guests.remove(a[0]!);
  expect(guests.excess(5)).toBe(a[1]!);
  guests.remove(a[0]!);
  expect(guests.size).toBe(3);
});

test("one guest is always admitted", () => {
  const guests = new Guests<ReturnType<typeof guest>>();
  guests.add(guest("a"), 0);
  expect(guests.excess(1)).toBeUndefined();
});

test("finds those that came before a time", () => {
  const guests = new Guests<ReturnType<typeof guest>>();
  const [first, second, third] = [guest("a"), guest("b"), guest("a")];
  guests.add(first, 1);
  guests.add(second, 2);
  guests.add(third, 3);
  expect([...guests.since(2)]).toEqual([first, second]);
});
