import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { certificateIdentity } from "../../src/security/certificate.js";
import { Authority, HAS_OPENSSL, pemOf } from "../support/certificates.js";

let authority: Authority;
beforeAll(() => {
  if (HAS_OPENSSL) authority = new Authority();
});
afterAll(() => {
  if (HAS_OPENSSL) authority[Symbol.dispose]();
});

describe.skipIf(!HAS_OPENSSL)("the user of a certificate", () => {
  // As Java's X500Principal.getName() writes them, which is what Kafka takes.
  for (const [subject, principal] of [
    ["/CN=ann", "CN=ann"],
    [
      "/C=DE/ST=Berlin/L=Berlin/O=acme/OU=ops/CN=ann",
      "CN=ann,OU=ops,O=acme,L=Berlin,ST=Berlin,C=DE",
    ],
    ["/DC=example/DC=acme/UID=a1/CN=ann", "CN=ann,UID=a1,DC=acme,DC=example"],
    ['/O=acme, "Ltd"/CN=a <b>;#', String.raw`CN=a \<b\>\;\#,O=acme\, \"Ltd\"`],
    ["/O= acme /CN=Zoë 🐢", "CN=Zoë 🐢,O=\\ acme\\ "],
    [
      "/emailAddress=ann@acme.example/CN=ann",
      "CN=ann,1.2.840.113549.1.9.1=#1610616e6e4061636d652e6578616d706c65",
    ],
    ["/CN=ann+UID=7/O=acme", "O=acme,CN=ann+UID=7"],
  ] as const) {
    test(`with the subject ${subject}`, () => {
      const { cert } = pemOf(authority.sign({ subject }));
      const { raw } = new X509Certificate(cert);
      expect(certificateIdentity(raw)?.principal).toBe(`User:${principal}`);
    });
  }

  test("is known until the certificate expires, in both forms of a date", () => {
    for (const [end, year] of [
      ["20200102030405Z", 2020],
      ["20600102030405Z", 2060],
    ] as const) {
      const { cert } = pemOf(
        authority.sign({ subject: "/CN=ann", validity: ["20200101000000Z", end] }),
      );
      const { raw } = new X509Certificate(cert);
      expect(certificateIdentity(raw)?.expiresAtMs).toBe(Date.UTC(year, 0, 2, 3, 4, 5));
    }
  });

  test("is nobody without a subject, and an error in what is no certificate", () => {
    const { raw } = new X509Certificate(pemOf(authority.sign({ subject: "/" })).cert);
    expect(certificateIdentity(raw)).toBeUndefined();
    expect(() => certificateIdentity(raw.subarray(0, 100))).toThrow("not whole");
  });
});
