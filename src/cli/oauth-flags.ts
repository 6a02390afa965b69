// The flags of `rustlog broker` that say which tokens it accepts, as options of a broker.
// Leaves to others: their meaning (security/oauth.ts).
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { OauthOptions } from "../security/oauth.js";
import { usageError } from "./command.js";

interface OauthFlags {
  readonly oauthJwks?: string | undefined;
  readonly oauthIssuer?: string | undefined;
  readonly oauthAudience?: readonly string[] | undefined;
  readonly oauthPrincipalClaim?: string | undefined;
}

/** Replaces these flags by the option of the broker. Without keys, the other flags are a usage error. */
export function withOauth<Flags extends OauthFlags>(
  command: CommandUnknownOpts,
  flags: Flags,
): Omit<Flags, keyof OauthFlags> & { readonly oauth: OauthOptions | undefined } {
  const {
    oauthJwks: jwks,
    oauthIssuer: issuer,
    oauthAudience: audience,
    oauthPrincipalClaim: principalClaim,
    ...others
  } = flags;
  if (jwks !== undefined) return { ...others, oauth: { jwks, issuer, audience, principalClaim } };
  const useless = {
    ...{ "--oauth-issuer": issuer, "--oauth-audience": audience },
    "--oauth-principal-claim": principalClaim,
  };
  for (const [name, value] of Object.entries(useless)) {
    if (value !== undefined) usageError(command, `${name} needs --oauth-jwks`);
  }
  return { ...others, oauth: undefined };
}

/** Parses `a,b`, of an option that may be repeated. */
export function audiences(text: string, previous: readonly string[] = []): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  return [...previous, ...names.filter((name) => name !== "")];
}
