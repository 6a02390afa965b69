// Addresses of brokers as people write them.
import { expect, test } from "bun:test";
import { parseBrokerAddress } from "../../src/client/broker-address.js";

test("an address is a host with or without a port", () => {
  expect(parseBrokerAddress("example.org:1234")).toEqual({
    host: "example.org",
    port: 1234,
    text: "example.org:1234",
  });
  expect(parseBrokerAddress("localhost").text).toBe("localhost:9092");
  expect(parseBrokerAddress(" 127.0.0.1:1 ").port).toBe(1);
  expect(parseBrokerAddress("[::1]:9093")).toEqual({ host: "::1", port: 9093, text: "[::1]:9093" });
});

for (const text of [
  "",
  ":9092",
  "host:",
  "host:0",
  "host:65536",
  "host:12x",
  "a b:1",
  "::1:9092",
]) {
  test(`'${text}' is rejected by name`, () => {
    expect(() => parseBrokerAddress(text)).toThrow(`'${text}' is not a broker address`);
  });
}
