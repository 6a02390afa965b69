import { expect, test } from "bun:test";
import { TlsHandshake } from "../../src/net/tls-handshake.js";

const HELLO = new Uint8Array([0x16, 3, 1]);

test("a handshake has ten seconds", () => {
  const handshake = new TlsHandshake(1_000);
  handshake.received(HELLO);
  expect(handshake.isLate(10_999)).toBe(false);
  expect(handshake.isLate(11_000)).toBe(true);
});

test("a handshake has 64 KiB, and whatever comes with its last bytes", () => {
  const handshake = new TlsHandshake(0);
  expect(handshake.received(HELLO)).toBeUndefined();
  expect(handshake.received(new Uint8Array(65_533))).toBeUndefined();
  expect(handshake.received(new Uint8Array(500_000))).toBeUndefined();
  expect(handshake.received(new Uint8Array(1))).toBe("it is too long");
});

test("a client without TLS is recognised by its first byte", () => {
  for (const byte of [0, 1, 0x15, 0x17, 0x47, 0x80, 0xff]) {
    expect(new TlsHandshake(0).received(new Uint8Array([byte]))).toBe("plain");
  }
  const silent = new TlsHandshake(0);
  expect(silent.isSilent).toBe(true);
  silent.received(HELLO);
  expect(silent.isSilent).toBe(false);
});
