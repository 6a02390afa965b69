// The events of the page's stream, as a page reads them.
// Leaves to others: opening the stream, and what the events say.

export interface PageEvent {
  readonly name: string;
  readonly data: unknown;
}

/** Ends when the stream does. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<PageEvent, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const [, name = "", data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      yield { name, data: JSON.parse(data) };
      text = text.slice(end + 2);
    }
  }
  return undefined;
}
