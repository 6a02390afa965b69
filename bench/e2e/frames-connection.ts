// A bare socket that keeps requests in flight and measures each until its response is complete.
// Leaves to others: the bytes of the requests (frames.ts).
import { FrameDecoder } from "../../src/net/frame.js";
import { Outbox } from "../../src/net/outbox.js";

const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

/** Sends `requests` frames, `inFlight` at a time. Resolves with the time of each in milliseconds; responses come in any order. */
export async function sendFrames(
  port: number,
  frame: (index: number) => Uint8Array,
  { requests, inFlight }: { readonly requests: number; readonly inFlight: number },
): Promise<Float64Array> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const decoder = new FrameDecoder({ frameBytesMax: RESPONSE_BYTES_MAX });
  const took = new Float64Array(requests);
  let [sent, answered] = [0, 0];
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        decoder.feed(chunk);
        while (decoder.next() !== undefined) {
          took[answered] = performance.now() - took[answered]!;
          answered++;
        }
        if (answered === requests) resolve();
        else send();
      },
      drain: () => void outbox.flush(),
      close: () => reject(new Error("the connection was closed")),
    },
  });
  socket.setNoDelay(true);
  const outbox = new Outbox(socket);
  const send = (): void => {
    for (; sent < requests && sent - answered < inFlight; sent++) {
      outbox.push(frame(sent));
      took[sent] = performance.now();
    }
    outbox.flush();
  };
  send();
  await promise;
  socket.end();
  return took;
}
