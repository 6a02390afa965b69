// What all routes share: an answer as JSON, a refusal with its status, and the JSON body of a request.
import { RustLogError } from "../../errors.js";
import type { Refusal } from "../page/wire.js";

/** Answers with what `work` returns, or with the refusal that it throws. */
export async function answered(work: () => unknown): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const refusal: Refusal = { code: error.code, message: error.message };
    return Response.json(refusal, { status: statusOf(error) });
  }
}

function statusOf({ code }: RustLogError): number {
  if (code === "UNKNOWN_TOPIC_OR_PARTITION" || code === "GROUP_NOT_FOUND") return 404;
  if (code.endsWith("_AUTHORIZATION_FAILED")) return 403;
  const isOurs = ["DISK_FULL", "STORAGE_ERROR", "BROKER_STOPPING", "BROKER_OVERLOADED"];
  return isOurs.includes(code) ? 503 : 400;
}

export function notFound(): Response {
  return new Response("not found\n", { status: 404 });
}

export function invalid(message: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", message);
}

/** The body of a request: a JSON object. An HTML form on another site can't send this content type. */
export async function jsonOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json *(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw invalid("the body must be application/json");
  }
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("the body must be a JSON object");
  }
  return body as Record<string, unknown>;
}
