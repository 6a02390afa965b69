// What heartbeats cost a bare server, in a process of its own: it answers each frame with a Heartbeat response of version 4,
// and looks at nothing but lengths and correlation ids. The difference is what the broker adds.
// Leaves to others: its clients (group-bars.ts).

/** Length, correlation id, tags, throttle time, error, tags. */
const ANSWER_BYTES = 16;

/** Bytes of a request before its correlation id: length, API key, version. */
const CORRELATION_ID_AT = 8;

/** Starts the server. */
export async function startFloor(): Promise<
  { readonly pid: number; readonly port: number } & Disposable
> {
  const child = Bun.spawn([process.execPath, import.meta.path], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(Buffer.from(value ?? []));
  return { pid: child.pid, port, [Symbol.dispose]: () => child.kill("SIGKILL") };
}

function serve(): number {
  const { port } = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.setNoDelay(true);
      },
      data: (socket, chunk) => {
        const frames: number[] = [];
        for (let at = 0; at < chunk.length; at += 4 + chunk.readUInt32BE(at)) frames.push(at);
        const answers = new Uint8Array(frames.length * ANSWER_BYTES);
        for (const [i, at] of frames.entries()) {
          answers[i * ANSWER_BYTES + 3] = ANSWER_BYTES - 4;
          for (let byte = 0; byte < 4; byte++) {
            answers[i * ANSWER_BYTES + 4 + byte] = chunk[at + CORRELATION_ID_AT + byte]!;
          }
        }
        socket.write(answers);
      },
    },
  });
  return port;
}

if (import.meta.main) console.log(serve());
