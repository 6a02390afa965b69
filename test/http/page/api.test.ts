// What the page makes of answers that are not what it asked for, as behind a proxy. Leaves to others: the answers of the
// broker (test/http/api/).
import { expect, spyOn, test } from "bun:test";
import { askFor, isPassing } from "../../../src/http/page/api.js";

const TEXT = { "content-type": "text/plain;charset=utf-8" };
const HTML = { "content-type": "text/html" };
const JSON_TYPE = { "content-type": "application/json" };

test.each([
  ["<h1>Bad gateway</h1>", 502, HTML, "the broker does not respond", true],
  ["", 504, {}, "the broker does not respond", true],
  ["too many open pages (64)\n", 503, TEXT, "too many open pages (64)", true],
  ["not found\n", 404, TEXT, "not found", false],
  ["<form>", 200, HTML, "what has answered is not the broker (status 200): reload the page", false],
  ["<h1>", 500, HTML, "what has answered is not the broker (status 500): reload the page", false],
  ["{", 400, JSON_TYPE, "what has answered is not the broker (status 400): reload the page", false],
  [`{"code":"INVALID_REQUEST","message":"no"}`, 400, JSON_TYPE, "no", false],
  [`{"code":"BROKER_STOPPING","message":"bye"}`, 503, JSON_TYPE, "bye", true],
] as const)("the answer '%s' with %i", async (body, status, headers, message, passes) => {
  const fetched = spyOn(globalThis, "fetch").mockResolvedValue(
    new Response(body, { status, headers }),
  );
  const error: unknown = await askFor("/api/session").catch((reason: unknown) => reason);
  fetched.mockRestore();
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toBe(message);
  expect(isPassing(error)).toBe(passes);
});
