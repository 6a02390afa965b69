import { afterAll, beforeAll, expect, test } from "bun:test";
import { HttpServer } from "../../src/http/http-server.js";
import { TlsFiles } from "../../src/net/tls-files.js";
import { Authority, HAS_OPENSSL } from "../support/certificates.js";
import { RawClient } from "../support/raw-client.js";

let authority: Authority;
beforeAll(() => {
  if (HAS_OPENSSL) authority = new Authority();
});
afterAll(() => {
  if (HAS_OPENSSL) authority[Symbol.dispose]();
});

test.skipIf(!HAS_OPENSSL)(
  "the HTTP port serves https, and says so to clients of http",
  async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    // Browsers are asked for no certificate.
    const paths = {
      ...authority.broker(),
      clientCa: authority.ca,
      clientAuth: "required" as const,
    };
    const tls = new TlsFiles(paths, log);
    const body = "x".repeat(3_000_000);
    const server = new HttpServer({
      ...{ host: "127.0.0.1", port: 0, tls, log },
      flags: { host: "--http-host", port: "--ui" },
      routes: {
        "/large": { GET: () => new Response(body) },
        "/echo": { POST: (request) => new Response(request.body) },
      },
    });
    try {
      expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
      const trusted = { tls: { ca: authority.caPem } };
      expect(await (await fetch(`${server.url}/large`, trusted)).text()).toBe(body);
      const post = { ...trusted, method: "POST", body: "x".repeat(900_000) };
      expect((await (await fetch(`${server.url}/echo`, post)).text()).length).toBe(900_000);
      expect(fetch(`${server.url}/large`)).rejects.toThrow("certificate");
      using plain = await RawClient.connect(server.port);
      plain.send(Buffer.from("GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
      await plain.closed;
      expect(lines.at(-1)).toEndWith("it is from a client without TLS; use https://");
    } finally {
      await server.stop();
      tls.close();
    }
  },
);
