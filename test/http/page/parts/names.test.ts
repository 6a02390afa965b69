// Names as they are shown.
import { expect, test } from "bun:test";
import { nameInText, nameText, shortText } from "../../../../src/http/page/parts/names.js";

test("a name is shown on one line, and never as nothing", () => {
  expect(nameText("")).toBe("(no name)");
  expect(nameText("  ")).toBe("(only spaces)");
  expect(nameText("a\nb\u202e")).toBe("a\\nb\\u202e");
  expect(nameText("🦀 עגלה")).toBe("🦀 עגלה");
});

test("a long name is shortened in the middle, between characters", () => {
  const name = `${"🦀".repeat(100)}-1`;
  const short = shortText(name);
  expect([...short].length).toBe(80);
  expect(short).toStartWith("🦀🦀");
  expect(short).toEndWith("🦀-1");
  expect(shortText("🦀".repeat(45))).toBe("🦀".repeat(45));
  expect(shortText("orders")).toBe("orders");
});

test("a name from right to left does not change the order of a sentence", () => {
  expect(nameInText("עגלה")).toBe("\u2068עגלה\u2069");
  expect(nameInText("cart")).toBe("cart");
});
