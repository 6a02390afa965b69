// SaslHandshake and SaslAuthenticate.
import { api, array, bytes, int16, int64, string } from "./schema.js";

export const SaslHandshake = api({
  key: 17,
  // Version 0 is followed by the messages of the login alone, without headers.
  versions: [0, 1],
  flexibleSince: Number.POSITIVE_INFINITY,
  request: { mechanism: string() },
  response: { errorCode: int16(), mechanisms: array(string()) },
});

export const SaslAuthenticate = api({
  key: 36,
  versions: [0, 2],
  flexibleSince: 2,
  request: { authBytes: bytes() },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1 }),
  },
});
