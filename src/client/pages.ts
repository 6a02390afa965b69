// Lists that a broker returns in pages.

interface Page<Item> {
  readonly items: readonly Item[];
  /** Whether items follow. */
  readonly more: boolean;
}

/** The pages of a list. `ask` requests the page after an item, or the first page. */
export async function* pagesOf<Item>(
  ask: (after: Item | undefined) => Promise<Page<Item>>,
): AsyncGenerator<readonly Item[], void> {
  let after: Item | undefined;
  for (;;) {
    const { items, more } = await ask(after);
    yield items;
    after = items.at(-1);
    if (!more || after === undefined) return;
  }
}

/** All items of a list. */
export async function allOf<Item>(pages: AsyncIterable<readonly Item[]>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const items of pages) for (const item of items) all.push(item);
  return all;
}
